import type { AccountId, AccountView } from '@rialto/contracts';
import {
  addDevice,
  type Chain,
  Chains,
  type Engine,
  newDeviceId,
  newSigningKey,
  ready,
  revokeDevice,
  startChain,
  toBase64url,
} from '@rialto/crypto';
import { Emitter } from '../events.ts';
import { MemoryStore } from '../memory-store.ts';
import type { Problem } from '../views.ts';
import { People } from './people.ts';

/** An account with its root and a device that can sign more entries. */
class Account {
  readonly root = newSigningKey();
  readonly device = newDeviceId();
  readonly deviceKey = newSigningKey();
  readonly genesis: Chain = startChain(
    { device: this.device, deviceKey: this.deviceKey.publicKey, mlsKey: newSigningKey().publicKey },
    this.root,
  );
  grown(): Chain {
    const subject = { device: newDeviceId(), deviceKey: newSigningKey().publicKey, mlsKey: newSigningKey().publicKey };
    return addDevice(this.genesis, subject, { device: this.device, privateKey: this.deviceKey.privateKey });
  }
}
const viewOf = (chain: Chain, handle: string): AccountView => ({
  accountId: chain.account as AccountId,
  handle,
  displayName: handle,
  chain: toBase64url(chain.bytes),
});

let ana: Account;
let ben: Account;
let answer: AccountView;
let people: People;
let problems: Problem[];
let store: MemoryStore;
const open = async () => {
  const events = new Emitter();
  events.on('problem', (problem) => problems.push(problem));
  const engine = { chains: new Chains() } as Engine; // groups are not touched here
  const api = {
    findHandle: async () => answer,
    getAccount: async () => {
      const now = answer;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return now;
    },
    checkHandle: async () => ({ available: true, reason: null }),
  };
  const opened = new People({ store, api, engine, me: ana.genesis.account as AccountId, events });
  await opened.load();
  await opened.learnOwn({ handle: 'ana', displayName: 'Ana', chain: toBase64url(ana.genesis.bytes) });
  return opened;
};
beforeAll(ready);
beforeEach(async () => {
  [ana, ben] = [new Account(), new Account()];
  answer = viewOf(ben.genesis, 'ben');
  problems = [];
  store = new MemoryStore();
  people = await open();
});

test('somebody is found by handle, with twelve groups of five digits', async () => {
  const person = await people.find('@Ben');
  expect(person).toMatchObject({ accountId: ben.genesis.account, handle: 'ben', isVerified: false, alarm: null });
  expect(person.safetyNumber).toHaveLength(12);
  expect(person.safetyNumber.every((group) => /^\d{5}$/.test(group))).toBe(true);
  expect(await people.find(`@ben#${ben.genesis.account}`)).toEqual(person);
});

test.each<[string, () => AccountView]>([
  [
    'keys of another account behind the id',
    () => ({ ...viewOf(ana.genesis, 'ben'), accountId: ben.genesis.account as AccountId }),
  ],
  ['an account of another handle', () => viewOf(ben.genesis, 'bob')],
  ['a chain that is none', () => ({ ...viewOf(ben.genesis, 'ben'), chain: 'AAAA' })],
])('a server that answers with %s is not believed', async (_name, lie) => {
  answer = lie();
  await expect(people.find('ben')).rejects.toMatchObject({ code: 'server-lied' });
});

test('a handle that leads to another account than before is not believed', async () => {
  await people.find('ben');
  answer = viewOf(new Account().genesis, 'ben');
  await expect(people.find('ben')).rejects.toMatchObject({ code: 'server-lied' });
  await expect(people.find(`ben#${ben.genesis.account}`)).rejects.toMatchObject({ code: 'server-lied' });
});

test('a longer chain is taken over; a shorter one afterwards is an alarm that survives a restart', async () => {
  answer = viewOf(ben.grown(), 'ben');
  const { accountId } = await people.find('ben');
  answer = viewOf(ben.genesis, 'ben');
  await people.refresh(accountId);
  expect((await people.get(accountId)).alarm).toBe('chain-rolled-back');
  expect(problems).toEqual([{ code: 'person-keys-rolled-back', accountId }]);
  await expect(people.trustedChain(accountId)).rejects.toMatchObject({ code: 'keys-changed' });
  people = await open();
  expect((await people.get(accountId)).alarm).toBe('chain-rolled-back');
  await people.markVerified(accountId);
  expect((await people.trustedChain(accountId)).heads).toHaveLength(2);
});

test('an answer that was overtaken by a newer one is no alarm, but one to a later question is', async () => {
  const { accountId } = await people.find('ben');
  const late = people.refresh(accountId); // asked, and answered from before the chain grew
  await people.learnChain(accountId, toBase64url(ben.grown().bytes));
  await late;
  expect((await people.get(accountId)).alarm).toBeNull();
  expect((await people.trustedChain(accountId)).heads).toHaveLength(2);
  await people.refresh(accountId);
  expect((await people.get(accountId)).alarm).toBe('chain-rolled-back');
});

test('two entries for one place are an alarm, also when a sender tells of the other one', async () => {
  const [one, other] = [ben.grown(), ben.grown()];
  answer = viewOf(one, 'ben');
  const { accountId } = await people.find('ben');
  await people.compareClaim(accountId, { seq: 1, hash: one.heads[1] ?? '' });
  expect(problems).toEqual([]);
  await people.compareClaim(accountId, { seq: 1, hash: other.heads[1] ?? '' });
  expect(problems).toEqual([{ code: 'person-keys-forked', accountId }]);
});

test('a revoked device is no device', async () => {
  const grown = ben.grown();
  const added = [...(grown.devices[1]?.keys() ?? [])].find((device) => device !== ben.device) ?? '';
  answer = viewOf(grown, 'ben');
  const { accountId } = await people.find('ben');
  expect(people.isCurrentDevice(accountId, added)).toBe(true);
  answer = viewOf(revokeDevice(grown, added, { device: ben.device, privateKey: ben.deviceKey.privateKey }), 'ben');
  await people.refresh(accountId);
  expect([people.isCurrentDevice(accountId, added), people.isCurrentDevice(accountId, ben.device)]).toEqual([false, true]);
});
