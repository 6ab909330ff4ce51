/**
 * Judges what a system did under faults by what its clients saw. Nothing here asks the system: it is given a history and what the system
 * says at the end, and finds every promise that was broken.
 */

/** One message as its sender saw it. `seq` is there when it was acknowledged; without it the outcome stayed unknown. */
export interface SentMessage {
  readonly conversation: string;
  readonly id: string;
  readonly sender: string;
  readonly bytes: string;
  readonly seq?: number;
  /** When it was first sent and when it was acknowledged, on one clock. */
  readonly beganAtMs: number;
  readonly endedAtMs?: number;
}
/** One row of a conversation's log, as a member reads it at the end. */
export interface LoggedMessage {
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly sender: string;
  readonly bytes: string;
}
/** One transfer as its payer saw it; `transferId` is there when it was acknowledged. */
export interface SentTransfer {
  readonly intentId: string;
  readonly from: string;
  readonly to: string;
  readonly amountMinor: bigint;
  readonly transferId?: string;
}
/** One line of an account's statement at the end, oldest first. */
export interface StatementLine {
  readonly account: string;
  readonly seq: number;
  readonly intentId: string | null;
  readonly transferId: string;
  readonly direction: 'debit' | 'credit';
  readonly amountMinor: bigint;
  readonly balanceMinor: bigint;
}
export type FaultKind = 'lost' | 'duplicated' | 'reordered' | 'renumbered' | 'gap' | 'forged' | 'doubled' | 'unbalanced';
export interface Fault {
  readonly kind: FaultKind;
  readonly what: string;
}

/** Every fault of the logs, given everything that was ever sent to these conversations and every row of them but their first commit. */
export function checkMessages(sent: readonly SentMessage[], logged: readonly LoggedMessage[]): Fault[] {
  const bySender = new Map(sent.map((message) => [keyOf(message), message]));
  const rows = Map.groupBy(logged, ({ conversation }) => conversation);
  const faults: Fault[] = [];
  for (const [conversation, log] of rows) {
    faults.push(...checkNumbers(conversation, log), ...checkRows(log, bySender));
  }
  // The first place counts: a second one is a fault of its own.
  const places = new Map(logged.toReversed().map((row) => [keyOf(row), row.seq]));
  for (const message of sent) {
    if (message.seq === undefined) continue;
    const place = places.get(keyOf(message));
    if (place === undefined) faults.push({ kind: 'lost', what: `${keyOf(message)} was acknowledged as ${message.seq}` });
    else if (place !== message.seq)
      faults.push({ kind: 'renumbered', what: `${keyOf(message)}: ${message.seq} became ${place}` });
  }
  return [...faults, ...checkOrder(sent)];
}

const keyOf = ({ conversation, sender, id }: Pick<SentMessage, 'conversation' | 'sender' | 'id'>) =>
  `${conversation} ${sender} ${id}`;

/** Numbers rise by one from the first row that is given. */
function checkNumbers(conversation: string, log: readonly LoggedMessage[]): Fault[] {
  const faults: Fault[] = [];
  for (const [index, { seq }] of log.entries()) {
    const before = log[index - 1]?.seq;
    if (before === undefined || seq === before + 1) continue;
    if (seq <= before) faults.push({ kind: 'renumbered', what: `${conversation}: ${seq} comes after ${before}` });
    else faults.push({ kind: 'gap', what: `${conversation}: ${before} is followed by ${seq}` });
  }
  return faults;
}

/** Each row is something that its sender sent, byte for byte, once. */
function checkRows(log: readonly LoggedMessage[], sent: ReadonlyMap<string, SentMessage>): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const row of log) {
    const key = keyOf(row);
    const original = sent.get(key);
    if (seen.has(key)) faults.push({ kind: 'duplicated', what: `${key} again at ${row.seq}` });
    seen.add(key);
    if (original === undefined) faults.push({ kind: 'forged', what: `${key} at ${row.seq} was sent by nobody` });
    else if (original.bytes !== row.bytes) faults.push({ kind: 'forged', what: `${key} at ${row.seq} holds other bytes` });
  }
  return faults;
}

/** A message that was acknowledged before another one was begun has the lower number: what a person saw in order stays in order. */
function checkOrder(sent: readonly SentMessage[]): Fault[] {
  const faults: Fault[] = [];
  for (const [conversation, messages] of Map.groupBy(sent, (message) => message.conversation)) {
    const acknowledged = messages.filter(({ seq, endedAtMs }) => seq !== undefined && endedAtMs !== undefined);
    const byEnd = acknowledged.toSorted((a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0));
    let ended = 0;
    let highest = 0;
    for (const message of acknowledged.toSorted((a, b) => a.beganAtMs - b.beganAtMs)) {
      for (let next = byEnd[ended]; next !== undefined && (next.endedAtMs ?? 0) < message.beganAtMs; next = byEnd[++ended]) {
        highest = Math.max(highest, next.seq ?? 0);
      }
      if ((message.seq ?? 0) <= highest) {
        faults.push({
          kind: 'reordered',
          what: `${conversation}: ${message.id} got ${message.seq} after ${highest} was acknowledged`,
        });
      }
    }
  }
  return faults;
}

/** Every fault of the ledger, given all transfers that were tried, and whole statements whose first line starts from `opening`. */
export function checkTransfers(
  sent: readonly SentTransfer[],
  statements: readonly StatementLine[],
  { openingMinor, ledgerSumMinor }: { openingMinor: ReadonlyMap<string, bigint>; ledgerSumMinor: bigint },
): Fault[] {
  const byIntent = Map.groupBy(statements, ({ intentId }) => intentId ?? '');
  const faults: Fault[] = [];
  for (const transfer of sent) {
    const lines = byIntent.get(transfer.intentId) ?? [];
    const [debits, credits] = [linesOf(lines, transfer.from, 'debit'), linesOf(lines, transfer.to, 'credit')];
    if (debits.length > 1 || credits.length > 1)
      faults.push({ kind: 'doubled', what: `${transfer.intentId} was carried out more than once` });
    if (transfer.transferId !== undefined && (debits.length === 0 || credits.length === 0)) {
      faults.push({ kind: 'lost', what: `${transfer.intentId} was acknowledged as ${transfer.transferId}` });
    }
    if (debits.length !== credits.length) faults.push({ kind: 'unbalanced', what: `${transfer.intentId} has one side only` });
    for (const line of [...debits, ...credits]) {
      const isAsSent = line.amountMinor === transfer.amountMinor && (transfer.transferId ?? line.transferId) === line.transferId;
      if (!isAsSent) faults.push({ kind: 'forged', what: `${transfer.intentId} is another transfer in the statement` });
    }
  }
  faults.push(...checkStrangers(sent, byIntent), ...checkBalances(statements, openingMinor));
  if (ledgerSumMinor !== 0n) faults.push({ kind: 'unbalanced', what: `all accounts together hold ${ledgerSumMinor}, not 0` });
  return faults;
}

const linesOf = (lines: readonly StatementLine[], account: string, direction: 'debit' | 'credit') =>
  lines.filter((line) => line.account === account && line.direction === direction);

function checkStrangers(sent: readonly SentTransfer[], byIntent: ReadonlyMap<string, readonly StatementLine[]>): Fault[] {
  const known = new Set(sent.map(({ intentId }) => intentId));
  const strange = [...byIntent.keys()].filter((intentId) => intentId !== '' && !known.has(intentId));
  return strange.map((intentId) => ({ kind: 'forged', what: `${intentId} was signed by nobody` }));
}

/** Numbers rise by one, and each balance is the one before with the amount. */
function checkBalances(statements: readonly StatementLine[], openingMinor: ReadonlyMap<string, bigint>): Fault[] {
  const faults: Fault[] = [];
  for (const [account, lines] of Map.groupBy(statements, (line) => line.account)) {
    let balance = openingMinor.get(account) ?? 0n;
    let before: number | undefined;
    for (const line of lines) {
      balance += line.direction === 'credit' ? line.amountMinor : -line.amountMinor;
      if (line.balanceMinor !== balance)
        faults.push({ kind: 'unbalanced', what: `${account} at ${line.seq}: ${line.balanceMinor}, not ${balance}` });
      if (before !== undefined && line.seq !== before + 1)
        faults.push({ kind: 'gap', what: `${account}: ${before} is followed by ${line.seq}` });
      before = line.seq;
      balance = line.balanceMinor;
    }
  }
  return faults;
}
