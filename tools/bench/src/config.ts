/** The only place of the bench that reads the environment. */
export const searchPath: string = process.env['PATH'] ?? '';
/** What a program that we start may know of ours. */
export const inherited: Readonly<Record<string, string | undefined>> = process.env;
