import {
  checkMessages,
  checkTransfers,
  type FaultKind,
  type LoggedMessage,
  type SentMessage,
  type SentTransfer,
  type StatementLine,
} from './history-checker.ts';

/** Two conversations, two senders, one message after the other, all of them acknowledged; and one whose outcome nobody learned. */
function goodHistory(): { sent: SentMessage[]; logged: LoggedMessage[] } {
  const sent: SentMessage[] = [];
  const logged: LoggedMessage[] = [];
  for (const conversation of ['one', 'two']) {
    for (let seq = 2; seq < 22; seq += 1) {
      const message = {
        conversation,
        id: `m${seq}`,
        sender: seq % 2 === 0 ? 'ana' : 'ben',
        bytes: `bytes ${conversation} ${seq}`,
      };
      sent.push({ ...message, seq, beganAtMs: seq * 10, endedAtMs: seq * 10 + 5 });
      logged.push({ ...message, seq });
    }
  }
  const { seq: _seq, endedAtMs: _endedAtMs, ...unknown } = sent[0] as SentMessage;
  sent.push({ ...unknown, id: 'nobody knows', bytes: 'unknown' });
  return { sent, logged };
}
const kinds = (faults: readonly { kind: FaultKind }[]) => [...new Set(faults.map(({ kind }) => kind))].toSorted();

test('a good history has no fault, also when a message without an answer did arrive', () => {
  const { sent, logged } = goodHistory();
  expect(checkMessages(sent, logged)).toEqual([]);
  const late = { conversation: 'one', id: 'nobody knows', sender: 'ana', bytes: 'unknown', seq: 22 };
  const one = logged.filter(({ conversation }) => conversation === 'one');
  const two = logged.filter(({ conversation }) => conversation === 'two');
  expect(checkMessages(sent, [...one, late, ...two])).toEqual([]);
});

const renumbered = (rows: readonly LoggedMessage[]): LoggedMessage[] => {
  const next = new Map<string, number>();
  return rows.map((row) => {
    const seq = next.get(row.conversation) ?? 2;
    next.set(row.conversation, seq + 1);
    return { ...row, seq };
  });
};

/** What a broken system might do to the end of the story, and what must be found. */
const PLANTED: Readonly<
  Record<string, { finds: FaultKind[]; plant(history: { sent: SentMessage[]; logged: LoggedMessage[] }): void }>
> = {
  'an acknowledged message is lost, and the numbers close the gap': {
    finds: ['lost', 'renumbered'],
    plant: (history) => (history.logged = renumbered(history.logged.filter((_row, index) => index !== 5))),
  },
  'the newest acknowledged message is lost': {
    finds: ['lost'],
    plant: (history) => history.logged.pop(),
  },
  'a message is stored twice': {
    finds: ['duplicated'],
    plant: ({ logged }) => logged.push({ ...(logged[25] as LoggedMessage), seq: 22 }),
  },
  'two messages change places': {
    finds: ['renumbered'],
    plant: ({ logged }) => {
      const [a, b] = [logged[3] as LoggedMessage, logged[4] as LoggedMessage];
      [logged[3], logged[4]] = [
        { ...b, seq: a.seq },
        { ...a, seq: b.seq },
      ];
    },
  },
  'a message that was begun later got the lower number, and everybody was told so': {
    finds: ['reordered'],
    plant: ({ sent, logged }) => {
      const [a, b] = [sent[3] as SentMessage, sent[4] as SentMessage];
      [sent[3], sent[4]] = [
        { ...a, seq: b.seq ?? 0 },
        { ...b, seq: a.seq ?? 0 },
      ];
      const [c, d] = [logged[3] as LoggedMessage, logged[4] as LoggedMessage];
      [logged[3], logged[4]] = [
        { ...d, seq: c.seq },
        { ...c, seq: d.seq },
      ];
    },
  },
  'a row is missing and its number with it': {
    finds: ['gap', 'lost'],
    plant: (history) => (history.logged = history.logged.filter((_row, index) => index !== 8)),
  },
  'the log starts its numbers anew': {
    finds: ['renumbered'],
    plant: (history) => (history.logged = history.logged.map((row, index) => (index < 10 ? row : { ...row, seq: row.seq - 9 }))),
  },
  'somebody changed what was said': {
    finds: ['forged'],
    plant: ({ logged }) => (logged[7] = { ...(logged[7] as LoggedMessage), bytes: 'something else' }),
  },
  'a message that nobody sent': {
    finds: ['forged'],
    plant: ({ logged }) => logged.push({ conversation: 'two', seq: 22, id: 'm99', sender: 'ana', bytes: 'invented' }),
  },
};

test.each(Object.entries(PLANTED))('finds it when %s', (_name, { finds, plant }) => {
  const history = goodHistory();
  plant(history);
  expect(kinds(checkMessages(history.sent, history.logged))).toEqual(finds);
});

function goodLedger() {
  const sent: SentTransfer[] = [];
  const lines: StatementLine[] = [];
  const balances = { ana: 1_000n, ben: 0n };
  for (let seq = 2; seq < 8; seq += 1) {
    const amountMinor = BigInt(seq);
    balances.ana -= amountMinor;
    balances.ben += amountMinor;
    const transfer = { intentId: `i${seq}`, transferId: `t${seq}`, amountMinor };
    sent.push({ ...transfer, from: 'ana', to: 'ben' });
    lines.push({ ...transfer, account: 'ana', seq, direction: 'debit', balanceMinor: balances.ana });
    lines.push({ ...transfer, account: 'ben', seq: seq - 1, direction: 'credit', balanceMinor: balances.ben });
  }
  sent.push({ intentId: 'unknown', from: 'ana', to: 'ben', amountMinor: 5n });
  return { sent, lines, ends: { openingMinor: new Map([['ana', 1_000n]]), ledgerSumMinor: 0n } };
}
type Ledger = ReturnType<typeof goodLedger>;

const PLANTED_MONEY: Readonly<Record<string, { finds: FaultKind[]; plant(ledger: Ledger): void }>> = {
  'a transfer is carried out twice, with perfect book-keeping': {
    finds: ['doubled'],
    plant: ({ lines }) => {
      const [debit, credit] = [lines.at(-2) as StatementLine, lines.at(-1) as StatementLine];
      lines.push({ ...debit, seq: debit.seq + 1, balanceMinor: debit.balanceMinor - debit.amountMinor });
      lines.push({ ...credit, seq: credit.seq + 1, balanceMinor: credit.balanceMinor + credit.amountMinor });
    },
  },
  'an acknowledged transfer is lost': { finds: ['lost'], plant: ({ lines }) => void lines.splice(-2) },
  'the money left one account and reached nobody': { finds: ['lost', 'unbalanced'], plant: ({ lines }) => void lines.pop() },
  'a debit that nobody signed': {
    finds: ['forged'],
    plant: ({ lines }) => {
      const last = lines.at(-2) as StatementLine;
      lines.push({ ...last, intentId: 'invented', seq: last.seq + 1, balanceMinor: last.balanceMinor - last.amountMinor });
    },
  },
  'a balance that is not the sum of its entries': {
    finds: ['unbalanced'],
    plant: ({ lines }) => {
      const last = lines.at(-1) as StatementLine;
      lines[lines.length - 1] = { ...last, balanceMinor: last.balanceMinor + 1n };
    },
  },
  'money out of nothing': { finds: ['unbalanced'], plant: (ledger) => (ledger.ends = { ...ledger.ends, ledgerSumMinor: 7n }) },
};

test('a good ledger has no fault', () => {
  const { sent, lines, ends } = goodLedger();
  expect(checkTransfers(sent, lines, ends)).toEqual([]);
});

test.each(Object.entries(PLANTED_MONEY))('finds it when %s', (_name, { finds, plant }) => {
  const ledger = goodLedger();
  plant(ledger);
  expect(kinds(checkTransfers(ledger.sent, ledger.lines, ledger.ends))).toEqual(finds);
});
