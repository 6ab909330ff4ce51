import { CONTRACTS } from '@rialto/contracts';
import { checkAccounts } from '../src/account-history.ts';
import { keepRegistering, newRivals, readIdentity, type RegisteredAccount } from '../src/account-load.ts';
import { codeOf } from '../src/call.ts';
import { checkCalls } from '../src/call-history.ts';
import { type CallRecord, keepCalling, readCalls } from '../src/call-load.ts';
import { type Dm, openDm } from '../src/dm.ts';
import { refuseConnections, stopPostgres } from '../src/engine-faults.ts';
import { checkMessages, checkTransfers, type SentMessage, type SentTransfer } from '../src/history-checker.ts';
import { ask, closeAgents } from '../src/http.ts';
import { keepPaying, keepWriting, ledgerSum, type LoadReport, newReport, readLog, readStatement } from '../src/load.ts';
import { topUp } from '../src/money.ts';
import { Person } from '../src/person.ts';
import { pause, System, until } from '../src/system.ts';

const { payments } = CONTRACTS;
const PAIRS = 4;
const FUNDED_MINOR = 90_000n;
/** Load before a kill, and after the system is ready again. */
const BEFORE_MS = 600;
const AFTER_MS = 600;
const AWAY_MS = 10_000;
/** A call waits five seconds for its service, and a statement no longer than that for its connection. */
const ANSWERED_WITHIN_MS = 9_000;
/** Nobody waits for an engine that refuses connections; a busy machine may take a moment to say so. */
const AT_ONCE_MS = 3_000;
/** A service starts in a second on a quiet machine; the supervisor waits longer each time. */
const WHOLE_AGAIN_WITHIN_MS = 40_000;
/** So few on a machine that does other things too that a fault certainly fell among them. */
const LEAST_MESSAGES = 20;
const LEAST_CALLS = 1;
/** Who registers at the same time, and wants the same handles. */
const REGISTRARS = 2;
/** Pairs that call each other besides writing. */
const CALLING_PAIRS = 2;

let system: System;
let people: Person[];
let dms: Dm[];
/** Everything that was ever sent in this file: the check at the end looks back over all faults. */
const messages: SentMessage[] = [];
const transfers: SentTransfer[] = [];
const accounts: RegisteredAccount[] = [];
const callRecord: CallRecord = { deeds: [], told: [] };

beforeAll(async () => {
  system = new System();
  people = await Promise.all(Array.from({ length: PAIRS * 2 }, (_none, index) => Person.register(system, `load${index}`)));
  dms = await Promise.all(pairs().map(([one, other]) => openDm(one, other)));
  await Promise.all(people.map((person) => topUp(person, FUNDED_MINOR)));
});
let mark: ReadonlyMap<string, number>;
beforeEach(async () => {
  mark = system.logMark();
  await system.whenReady(WHOLE_AGAIN_WITHIN_MS);
  await Promise.all(people.map(({ first }) => first.signIn()));
});
/** Whatever a process writes that is no line of its log is the trace of an exception that ended it. */
afterEach(() => expect(system.errorsSince(mark).filter((line) => !line.includes(': {'))).toEqual([]));
afterAll(async () => {
  await system.close();
  closeAgents();
});
const pairs = (): [Person, Person][] =>
  Array.from({ length: PAIRS }, (_none, index) => people.slice(index * 2, index * 2 + 2) as [Person, Person]);

/** Writes, pays, calls and registers all the while that a fault is made and healed, and a moment longer. */
async function underLoad(fault: () => Promise<void>): Promise<LoadReport> {
  const report = newReport();
  let isOver = false;
  const isWanted = () => !isOver;
  const writers = dms.flatMap((dm) =>
    [dm.creator, dm.peer].map((sender) => keepWriting(system, { dm, sender, report, isWanted })),
  );
  const payers = pairs().map(([from, to]) => keepPaying(system, { from, to, report, isWanted }));
  const callers = dms.slice(0, CALLING_PAIRS).map((dm) => keepCalling(system, { dm, report, isWanted }));
  const rivals = newRivals();
  const registrars = Array.from({ length: REGISTRARS }, () => keepRegistering(system, { rivals, report, isWanted }));
  try {
    await pause(BEFORE_MS);
    await fault();
    await system.whenReady(WHOLE_AGAIN_WITHIN_MS);
    await pause(AFTER_MS);
  } finally {
    isOver = true;
    messages.push(...(await Promise.all(writers)).flat());
    transfers.push(...(await Promise.all(payers)).flat());
    accounts.push(...(await Promise.all(registrars)).flat());
    for (const { deeds, told } of await Promise.all(callers)) {
      callRecord.deeds.push(...deeds);
      callRecord.told.push(...told);
    }
  }
  return report;
}

const startedCalls = () => callRecord.deeds.filter(({ act, isAcknowledged }) => act === 'start' && isAcknowledged).length;

/** Ends a process as a crash would, and waits until another one has its place. */
async function kill(name: string): Promise<void> {
  const pid = system.pidOf(name);
  system.signal(name, 'SIGKILL');
  await until('a new process', () => (system.pidOf(name) === pid ? undefined : true), WHOLE_AGAIN_WITHIN_MS);
}

/** What the system says at the end, against everything that its clients were told. */
async function expectNothingBroken(): Promise<void> {
  const logs = await Promise.all(dms.map((dm) => readLog(dm.peer, dm)));
  expect(checkMessages(messages, logs.flat()).slice(0, 10)).toEqual([]);
  const statements = (await Promise.all(people.map(readStatement))).flat();
  const ends = { openingMinor: new Map<string, bigint>(), ledgerSumMinor: await ledgerSum(system) };
  expect(checkTransfers(transfers, statements, ends).slice(0, 10)).toEqual([]);
  const deeds = accounts.map((account) => account.deeds);
  expect(checkAccounts(deeds, await readIdentity(system, accounts)).slice(0, 10)).toEqual([]);
  const histories = (await Promise.all(dms.slice(0, CALLING_PAIRS).map(readCalls))).flat();
  expect(checkCalls(callRecord.deeds, callRecord.told, histories).slice(0, 10)).toEqual([]);
  expect(deeds.filter(({ isCreated, entries }) => !isCreated || entries.some(({ seq }) => seq === undefined))).toEqual([]);
  expect(messages.filter(({ seq }) => seq === undefined)).toEqual([]);
  expect(transfers.filter(({ transferId }) => transferId === undefined)).toEqual([]);
}

test.each(['gateway', 'gateway-2', 'messaging', 'messaging-2', 'payments', 'identity', 'calls'])(
  'kill -9 of %s under load loses nothing, doubles nothing, and heals by itself',
  async (name) => {
    const pid = system.pidOf(name);
    const before = [messages.length, accounts.length, startedCalls()] as const;
    const report = await underLoad(() => kill(name));
    expect(report.wrong).toEqual([]);
    expect(system.pidOf(name)).not.toBe(pid);
    expect(messages.length - before[0]).toBeGreaterThan(LEAST_MESSAGES);
    expect(startedCalls() - before[2]).toBeGreaterThan(LEAST_CALLS);
    await expectNothingBroken();
  },
);

test('kill -9 of PostgreSQL under load loses nothing that was acknowledged', async () => {
  const report = await underLoad(() => kill('postgres'));
  expect(report.wrong).toEqual([]);
  await expectNothingBroken();
});

test('kill -9 of NATS under load loses nothing that was acknowledged', async () => {
  const report = await underLoad(() => kill('nats'));
  expect(report.wrong).toEqual([]);
  await expectNothingBroken();
});

test.each<[string, number, () => Promise<() => unknown>]>([
  ['PostgreSQL stands still', ANSWERED_WITHIN_MS, () => stopPostgres(system)],
  [
    'NATS stands still',
    ANSWERED_WITHIN_MS,
    async () => {
      system.signal('nats', 'SIGSTOP');
      return () => system.signal('nats', 'SIGCONT');
    },
  ],
  ['PostgreSQL refuses connections', AT_ONCE_MS, () => refuseConnections(system, 'postgres')],
  ['NATS refuses connections', AT_ONCE_MS, () => refuseConnections(system, 'nats')],
])('%s for ten seconds: every request is answered, and all goes on by itself', async (_name, answeredWithinMs, stop) => {
  const [person] = people as [Person];
  const during: string[] = [];
  const report = await underLoad(async () => {
    const goOn = await stop();
    try {
      const end = Date.now() + AWAY_MS;
      while (Date.now() < end) {
        during.push(await codeOf(person.call(payments.operations.getWallet, {})));
        const { status } = await ask(system.url, { path: '/health/live', timeoutMs: 2_000 });
        expect(status).toBe(200);
        await pause(500);
      }
    } finally {
      await goOn();
    }
  });
  expect(report.wrong).toEqual([]);
  expect(during.filter((code) => !['unavailable', 'outcome-unknown'].includes(code))).toEqual([]);
  expect(report.longestTryMs).toBeLessThan(answeredWithinMs);
  await expectNothingBroken();
});

test('what is taken from the tables behind the services’ back is found', async () => {
  const [one, other] = accounts.toReversed() as [RegisteredAccount, RegisteredAccount];
  const lost = one.deeds.packages.find(({ isLastResort }) => isLastResort)?.ref;
  await system.admin.query('delete from identity.key_package where ref = $1', [lost]);
  await system.admin.query('delete from identity.handle where account_id = $1', [other.person.id]);
  const found = checkAccounts(
    accounts.map(({ deeds }) => deeds),
    await readIdentity(system, accounts),
  );
  const told = found.filter(({ kind }) => kind === 'lost').map(({ what }) => what);
  expect(told).toEqual([expect.stringContaining(other.person.id), expect.stringContaining(lost ?? 'a package')]);
  const { callId } = callRecord.told.findLast(({ call }) => call.endReason === 'hung-up')?.call ?? {};
  await system.admin.query(`update calls.call set end_reason = 'failed' where call_id = $1`, [callId]);
  const histories = (await Promise.all(dms.slice(0, CALLING_PAIRS).map(readCalls))).flat();
  const kinds = checkCalls(callRecord.deeds, callRecord.told, histories).map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(['doubled']));
});
