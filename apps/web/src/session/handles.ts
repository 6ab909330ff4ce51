const WELL_FORMED = /^[a-z0-9_]{3,30}$/;

/** Whether this can be somebody's handle: the server says the same of what it is asked for. */
export const isHandle = (text: string): boolean => WELL_FORMED.test(text);
