/** The only place of the bench that reads the environment. */
export const searchPath: string = process.env['PATH'] ?? '';
