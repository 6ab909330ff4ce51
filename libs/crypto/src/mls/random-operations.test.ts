// Random honest operations: nothing may be refused, and all members must agree after each. The seed fixes the operations, not the
// keys; a failing seed becomes a regression test. RIALTO_OPERATIONS and RIALTO_SEEDS (such as `4,5`) change the run.
import { Account, Conversation, entry, must, type Seat } from '../../test/world.ts';
import { toBase64url, utf8 } from '../primitives.ts';
import { classicSuite, type Suite, xwingSuite } from './cipher-suite.ts';
import { leaveStatement } from './evidence.ts';
import type { RosterEntry } from './policy.ts';

const OPERATIONS = Number(process.env['RIALTO_OPERATIONS'] ?? 1000);
const SEEDS = (process.env['RIALTO_SEEDS'] ?? '1,2,3').split(',').map(Number);
const MAX_CHAIN = 24;
const SIZES = { xwing: { seats: 4, accounts: 3 }, classic: { seats: 5, accounts: 3 } };
const TIMEOUT_MS = 300_000;

class Run {
  readonly conversation: Conversation;
  readonly accounts: Account[];
  readonly suite: Suite;
  readonly limits: { seats: number; accounts: number };
  readonly counts: Record<string, number> = {};
  #seed: number;

  constructor(conversation: Conversation, accounts: Account[], limits: { seats: number; accounts: number }, seed: number) {
    this.conversation = conversation;
    this.accounts = accounts;
    this.suite = conversation.suite;
    this.limits = limits;
    this.#seed = seed;
  }
  below(limit: number): number {
    this.#seed = (this.#seed * 1103515245 + 12345) & 0x7fffffff;
    return (this.#seed >> 8) % limit;
  }
  pick<T>(items: readonly T[]): T {
    return must(items[this.below(items.length)]);
  }
  seat(allowed: (seat: Seat) => boolean = () => true): Seat {
    return this.pick(this.conversation.seats.filter(allowed));
  }
  current(account: Account): Omit<RosterEntry, 'since'> {
    const { since: _since, ...kept } = must(this.seat().group.policy.roster.find((item) => item.account === account.id));
    return kept;
  }
  isAdmin = (seat: Seat): boolean => this.current(seat.device.account).role === 'admin';
  get full(): boolean {
    return this.conversation.seats.length >= this.limits.seats;
  }
}

/** Each returns whether it found something to do. */
const operations: Record<string, (run: Run) => Promise<boolean>> = {
  async addDevice(run) {
    const account = run.pick(run.accounts);
    if (run.full || account.devices.length >= 4 || account.chain.heads.length >= MAX_CHAIN) return false;
    await run.conversation.add(run.seat(), [account.addDevice(run.suite)]);
    return true;
  },
  async addAccount(run) {
    if (run.full || run.accounts.length >= run.limits.accounts) return false;
    const account = new Account(run.suite);
    if (run.below(2) === 0) account.addDevice(run.suite);
    run.conversation.know(account);
    const roster = { set: [entry(account, run.below(3) === 0)] };
    await run.conversation.add(run.seat(run.isAdmin), account.devices, { roster });
    run.accounts.push(account);
    return true;
  },
  async removeRevoked(run) {
    const account = run.pick(run.accounts);
    const device = account.devices.at(-1);
    if (!device || account.devices.length < 2 || account.chain.heads.length >= MAX_CHAIN) return false;
    account.revoke(device);
    const roster = { set: [{ ...run.current(account), minChainSeq: account.chain.heads.length - 1 }] };
    const remove = [{ account: account.id, device: device.id }];
    const seat = run.seat((candidate) => candidate.device !== device);
    await run.conversation.commit(seat, { remove, roster, evidence: { chains: [account.chain] } });
    return true;
  },
  async leave(run) {
    const account = run.pick(run.accounts.slice(1).concat(run.accounts.slice(0, 1)));
    if (account === run.accounts[0] || run.accounts.length < 3) return false;
    const { groupId } = run.seat().group.publicGroup.groupContext;
    const leave = { groupId, account: account.id, device: account.first.id, epoch: run.seat().group.epoch };
    const leaving = [leaveStatement(leave, account.first.deviceKey.privateKey)];
    const evidence = { chains: [account.chain], leaving };
    const seat = run.seat((candidate) => candidate.device.account !== account);
    await run.conversation.commit(seat, { remove: [{ account: account.id }], roster: { drop: [account.id] }, evidence });
    run.accounts.splice(run.accounts.indexOf(account), 1);
    return true;
  },
  async changeRole(run) {
    if (run.accounts.length < 2) return false;
    const account = run.pick(run.accounts.slice(1)); // the first account stays an admin
    const kept = run.current(account);
    const roster = { set: [{ ...kept, role: kept.role === 'admin' ? ('member' as const) : ('admin' as const) }] };
    await run.conversation.commit(run.seat(run.isAdmin), { roster });
    return true;
  },
  async update(run) {
    const seat = run.seat();
    const { device } = seat;
    const raise = { credential: device.credential(), evidence: { chains: [device.account.chain] } };
    await run.conversation.commit(seat, run.below(2) === 0 ? raise : {});
    return true;
  },
  async rejoin(run) {
    if (run.conversation.seats.length === 1) return false; // ts-mls cannot remove the only leaf; such a group is reset instead
    await run.conversation.rejoin(run.seat());
    return true;
  },
  async race(run) {
    const { conversation } = run;
    if (conversation.seats.length === 1) return false;
    const first = run.seat();
    const second = run.seat((seat) => seat !== first);
    const [one, two] = [
      conversation.take(first, await first.group.commit({})),
      conversation.take(second, await second.group.commit({})),
    ];
    await conversation.send(run.seat(), utf8('while two commits are pending'));
    expect(await conversation.submit(first, one)).toEqual({ accepted: true });
    expect(await conversation.submit(second, two)).toEqual({ accepted: false, reason: 'stale-epoch' });
    await conversation.commit(second, {});
    return true;
  },
  async restart(run) {
    run.conversation.reload(run.seat());
    return true;
  },
};

/** All see the same group, and a message from any of them reaches all the others. */
async function expectAgreement(conversation: Conversation, sender: Seat): Promise<void> {
  const views = conversation.seats.map(({ group }) => [toBase64url(group.epochAuthenticator), group.members, group.policy]);
  for (const view of views) expect(view).toEqual(views[0]);
  const text = String(conversation.sequencer.log.length);
  await conversation.send(sender, utf8(text));
  for (const other of conversation.seats) {
    if (other === sender) continue;
    const last = (await conversation.catchUp(other)).at(-1);
    if (last?.kind !== 'message') throw new Error('expected the message');
    expect([last.message.sender.device, Buffer.from(last.message.plaintext).toString()]).toEqual([sender.device.id, text]);
  }
}

test.each(SEEDS.map((seed, index) => [seed, index === 0 ? 'xwing' : 'classic'] as const))(
  `${OPERATIONS} random honest operations, seed %i, %s`,
  async (seed, name) => {
    const suite = name === 'xwing' ? await xwingSuite() : await classicSuite();
    const [first, second] = [new Account(suite), new Account(suite)];
    const conversation = await Conversation.open(suite, { kind: 'group', accounts: [first, second] });
    const run = new Run(conversation, [first, second], SIZES[name], seed);
    const startMs = performance.now();
    for (let done = 0; done < OPERATIONS;) {
      const operation = run.pick(Object.keys(operations));
      if (!(await must(operations[operation])(run))) continue;
      await conversation.everyoneCatchesUp();
      await expectAgreement(conversation, run.seat());
      run.counts[operation] = (run.counts[operation] ?? 0) + 1;
      done += 1;
    }
    const members = conversation.seats.length;
    const seconds = Math.round((performance.now() - startMs) / 1000);
    console.info(
      JSON.stringify({ seed, suite: name, members, epoch: Number(run.seat().group.epoch), seconds, counts: run.counts }),
    );
  },
  TIMEOUT_MS,
);
