/** The only place of this library that reads the environment; everything else gets values. */
export const processEnvironment: Readonly<Record<string, string | undefined>> = process.env;
