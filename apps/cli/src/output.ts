import { AppError, ERRORS } from '@rialto/contracts';
import { ClientError, MediaError } from '@rialto/client';
import { printable } from './printable.ts';
import { CallNotHeld, UsageError, type GlobalOptions } from './session.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2, noAccount: 3, offline: 4, locked: 5 } as const;

/** Prints data as one line of JSON, or the lines for people. */
export function print({ json }: GlobalOptions, data: unknown, lines: readonly string[]): void {
  if (json) console.log(JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)));
  else for (const line of lines) console.log(printable(line));
}

/** Says what went wrong, and what the process ends with. */
export function printError({ json }: GlobalOptions, error: unknown): number {
  const { code, sentence, exit } = explain(error);
  if (json) console.log(JSON.stringify({ error: { code, message: sentence } }));
  else console.error(printable(`✗ ${sentence}`));
  return exit;
}

function explain(error: unknown): { code: string; sentence: string; exit: number } {
  if (error instanceof AppError) {
    const isAway = error.code === 'unavailable' || error.code === 'outcome-unknown';
    return { code: error.code, sentence: ERRORS[error.code].meaning, exit: isAway ? EXIT.offline : EXIT.failed };
  }
  if (error instanceof ClientError) {
    const exits: Partial<Record<ClientError['code'], number>> = {
      'no-account': EXIT.noAccount,
      offline: EXIT.offline,
      'store-locked': EXIT.locked,
    };
    return { code: error.code, sentence: error.message, exit: exits[error.code] ?? EXIT.failed };
  }
  if (error instanceof UsageError) return { code: 'usage', sentence: `${error.message} See --help.`, exit: EXIT.usage };
  if (error instanceof MediaError || error instanceof CallNotHeld)
    return { code: error.code, sentence: error.message, exit: EXIT.failed };
  if (error instanceof Error) return { code: 'failed', sentence: error.message, exit: EXIT.failed };
  return { code: 'failed', sentence: String(error), exit: EXIT.failed };
}
