/** What could move the cursor, ring, change the title or turn the writing around. A line break is dealt with by itself. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const CONTINUATION = '\n      ';

/**
 * One line for a terminal. Texts, names and memos come from other people: a control sequence in them could write over what stands there, and a
 * line break could forge a line of its own, so breaks are indented and the rest is replaced.
 */
export function printable(line: string): string {
  const parts = line.split(/\r?\n/).map((part) => part.replace(UNPRINTABLE, '\ufffd'));
  return parts.join(CONTINUATION);
}
