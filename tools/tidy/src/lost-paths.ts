import type { Complaint } from './rules.ts';

/** A path from the root, in backticks. `<service>` and the like stand for something, and are left alone. */
const NAMED_PATH = /`((?:apps|docs|libs|tools)\/[\w./-]+)`/g;

/** Every path that a document names and that is not there: whoever follows the document file by file ends nowhere. */
export function lostPaths(text: string, exists: (path: string) => boolean): Complaint[] {
  return text.split('\n').flatMap((row, index) =>
    Array.from(row.matchAll(NAMED_PATH), ([, path = '']) => path)
      .filter((path) => !exists(path))
      .map((path) => ({ line: index + 1, message: `${path} is not there: name the file that does this now.` })),
  );
}
