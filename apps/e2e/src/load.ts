import { AppError, CONTRACTS, type ErrorCode, type Input } from '@rialto/contracts';
import { callHttp } from './call.ts';
import type { Dm } from './dm.ts';
import { sealed } from './dm.ts';
import type { LoggedMessage, SentMessage, SentTransfer, StatementLine } from './history-checker.ts';
import { CURRENCY, intentOf } from './money.ts';
import type { Person } from './person.ts';
import { pause, type System } from './system.ts';

const { messaging, payments } = CONTRACTS;
const PAGE = 200;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** A fault ends within this time, and so does every try. */
const GIVE_UP_AFTER_MS = 60_000;
export const ANSWER_WITHIN_MS = 15_000;
/** What a fault may answer while it lasts. Anything else is a broken promise. */
const WHILE_IT_LASTS: readonly ErrorCode[] = ['unavailable', 'outcome-unknown'];

export interface LoadReport {
  /** How often each code came back. */
  readonly codes: Map<string, number>;
  /** Answers that no fault excuses. */
  readonly wrong: string[];
  /** The longest that one single try waited for its answer. */
  longestTryMs: number;
  /** From the last failed try to the first that worked, summed up: how long people had to wait. */
  retries: number;
}
export const newReport = (): LoadReport => ({ codes: new Map(), wrong: [], longestTryMs: 0, retries: 0 });

/** Tries over and over with the same id until it is acknowledged, each time at another gateway, as a good client does. */
export async function insist<T>(
  report: LoadReport,
  isWanted: () => boolean,
  run: (attempt: number) => Promise<T>,
): Promise<T | undefined> {
  const began = Date.now();
  for (let attempt = 0; Date.now() - began < GIVE_UP_AFTER_MS; attempt += 1) {
    const tried = performance.now();
    try {
      const output = await run(attempt);
      count(report, 'ok', tried);
      return output;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      count(report, error.code, tried);
      report.retries += 1;
      if (!WHILE_IT_LASTS.includes(error.code)) {
        report.wrong.push(error.code);
        return undefined;
      }
      if (!isWanted() && attempt > 40) return undefined;
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS));
    }
  }
  report.wrong.push('never acknowledged');
  return undefined;
}

function count(report: LoadReport, code: string, tried: number): void {
  report.codes.set(code, (report.codes.get(code) ?? 0) + 1);
  report.longestTryMs = Math.max(report.longestTryMs, performance.now() - tried);
}

/** One person who writes as fast as answers come, until told to stop. Every try and its outcome is written down. */
export async function keepWriting(
  system: System,
  { dm, sender, report, isWanted }: { dm: Dm; sender: Person; report: LoadReport; isWanted: () => boolean },
) {
  const sent: SentMessage[] = [];
  for (let number = 0; isWanted(); number += 1) {
    const message = await sealed(dm, sender, `${number}`);
    const beganAtMs = performance.now();
    const answer = await insist(report, isWanted, (attempt) =>
      callHttp(messaging.operations.sendMessage, message, {
        url: system.gateway(number + attempt),
        token: sender.first.token,
        timeoutMs: ANSWER_WITHIN_MS,
      }),
    );
    const { clientMessageId: id, conversationId: conversation, bytes } = message;
    const known = { conversation, id, bytes, sender: sender.first.id, beganAtMs };
    sent.push(answer === undefined ? known : { ...known, seq: answer.seq, endedAtMs: performance.now() });
  }
  return sent;
}

/** One person who pays as fast as answers come, with the same signed bytes at each try. */
export async function keepPaying(
  system: System,
  { from, to, report, isWanted }: { from: Person; to: Person; report: LoadReport; isWanted: () => boolean },
) {
  const sent: SentTransfer[] = [];
  for (let number = 0; isWanted(); number += 1) {
    const intent = intentOf(from, to, BigInt(1 + (number % 3)));
    const body = from.first.signedBody('transfer-intent', intent);
    const answer = await insist(report, isWanted, (attempt) =>
      callHttp(payments.operations.transfer, body as unknown as Input<typeof payments.operations.transfer>, {
        url: system.gateway(number + attempt),
        token: from.first.token,
        timeoutMs: ANSWER_WITHIN_MS,
      }),
    );
    const known = { intentId: intent.intentId, from: from.id, to: to.id, amountMinor: BigInt(intent.amountMinor) };
    sent.push(answer === undefined ? known : { ...known, transferId: answer.transferId });
  }
  return sent;
}

/** The whole log of a conversation but its first commit, as a member reads it page by page. */
export async function readLog(reader: Person, dm: Dm): Promise<LoggedMessage[]> {
  const rows: LoggedMessage[] = [];
  for (let after = 1; ; after = rows.at(-1)?.seq ?? after) {
    const page = await reader.call(messaging.operations.listMessages, { conversationId: dm.id, after, limit: PAGE });
    rows.push(
      ...page.rows.map(({ conversationId, seq, clientMessageId, senderDevice, bytes }) => ({
        conversation: conversationId,
        seq,
        id: clientMessageId,
        sender: senderDevice,
        bytes,
      })),
    );
    if (page.rows.length === 0) return rows;
  }
}

/** The whole statement of a person, oldest first. */
export async function readStatement(person: Person): Promise<StatementLine[]> {
  const lines: StatementLine[] = [];
  for (let after = 0; ; after = lines.at(-1)?.seq ?? after) {
    const page = await person.call(payments.operations.getStatement, { currency: CURRENCY, after, limit: PAGE });
    lines.push(
      ...page.entries.map(({ seq, intentId, transferId, direction, amountMinor, balanceMinor }) => ({
        ...{ account: person.id, seq, intentId, transferId, direction },
        amountMinor: BigInt(amountMinor),
        balanceMinor: BigInt(balanceMinor),
      })),
    );
    if (page.entries.length === 0) return lines;
  }
}

/** What all accounts of the ledger together hold: nothing, since each transfer takes from one what it gives to another. */
export async function ledgerSum(system: System): Promise<bigint> {
  const { rows } = await system.admin.query<{ sum: string | null }>('select sum(posted)::text as sum from payments.account');
  return BigInt(rows[0]?.sum ?? '0');
}
