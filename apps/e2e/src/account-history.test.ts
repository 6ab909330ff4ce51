import { type AccountAtEnd, type AccountDeeds, checkAccounts } from './account-history.ts';
import type { FaultKind } from './history-checker.ts';

type Changeable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Changeable<Item>[] : T[K] };
interface History {
  deeds: Changeable<AccountDeeds>[];
  accounts: Changeable<AccountAtEnd>[];
  owners: Map<string, string>;
}

/** Three accounts: the second lost a race for a handle to the first; each added a device and revoked it, and took a package of the one before. */
function goodHistory(): History {
  const names = ['ana', 'ben', 'carl'];
  const deeds = names.map((name, index): AccountDeeds => {
    const own = { handle: `${name}_own`, outcome: 'acknowledged' } as const;
    const contested = { handle: 'contested', outcome: index === 0 ? 'acknowledged' : 'refused' } as const;
    const before = names[index - 1];
    return {
      account: name,
      isCreated: true,
      claims: index === 0 ? [contested] : [contested, own],
      entries: [
        { entry: `${name} begins`, seq: 0 },
        { entry: `${name} adds`, seq: 1 },
        { entry: `${name} revokes`, seq: 2 },
      ],
      devices: [
        { device: `${name}-1`, isAdded: true, revocation: 'none' },
        { device: `${name}-2`, isAdded: true, revocation: 'acknowledged' },
      ],
      packages: [
        { ref: `${name}-a`, isLastResort: false, isAcknowledged: true },
        { ref: `${name}-b`, isLastResort: false, isAcknowledged: true },
        { ref: `${name}-last`, isLastResort: true, isAcknowledged: true },
      ],
      takings: before === undefined ? [] : [{ of: before, refs: [`${before}-a`] }],
    };
  });
  const accounts = deeds.map(({ account, entries }): AccountAtEnd => ({
    account,
    handle: account === 'ana' ? 'contested' : `${account}_own`,
    entries: entries.map(({ entry }) => entry),
    devices: [`${account}-1`],
    openSessions: [`${account}-1`],
    packages: [...(account === 'carl' ? [`${account}-a`] : []), `${account}-b`, `${account}-last`],
  }));
  const owners = new Map(accounts.map(({ account, handle }) => [handle ?? '', account]));
  return structuredClone({ deeds, accounts, owners }) as History;
}
const kindsIn = ({ deeds, accounts, owners }: History): FaultKind[] =>
  [
    ...new Set(checkAccounts(deeds as AccountDeeds[], { accounts: accounts as AccountAtEnd[], owners }).map(({ kind }) => kind)),
  ].toSorted();

test('a good history has no fault', () => expect(kindsIn(goodHistory())).toEqual([]));

test('what nobody learned the outcome of may have happened or not', () => {
  const happened = goodHistory();
  const [ana] = happened.deeds as [Changeable<AccountDeeds>];
  ana.isCreated = false;
  ana.claims = [{ handle: 'contested', outcome: 'unknown' }];
  delete ana.entries[2]?.seq;
  ana.devices[1] = { device: 'ana-2', isAdded: true, revocation: 'unknown' };
  ana.packages[1] = { ref: 'ana-b', isLastResort: false, isAcknowledged: false };
  expect(kindsIn(happened)).toEqual([]);
  const [account] = happened.accounts as [Changeable<AccountAtEnd>];
  account.entries.pop();
  account.devices.push('ana-2');
  account.openSessions.push('ana-2');
  account.packages = account.packages.filter((ref) => ref !== 'ana-b');
  expect(kindsIn(happened)).toEqual([]);
  const taken = goodHistory();
  taken.deeds[1]?.takings.push({ of: 'carl' });
  taken.accounts[2]?.packages.shift();
  expect(kindsIn(taken)).toEqual([]);
});

/** What a broken identity service might do, and what must be found. */
const PLANTED: Readonly<Record<string, { finds: FaultKind[]; plant(history: History): void }>> = {
  'an acknowledged account is lost of which nothing else was acknowledged': {
    finds: ['lost'],
    plant: ({ deeds }) =>
      deeds.push({ account: 'dee', isCreated: true, claims: [], entries: [], devices: [], packages: [], takings: [] }),
  },
  'an acknowledged account is lost': { finds: ['lost'], plant: ({ accounts }) => void accounts.splice(2, 1) },
  'a handle is given to two accounts': {
    finds: ['doubled', 'lost'],
    plant: ({ deeds, accounts }) => {
      deeds[1] = { ...(deeds[1] as History['deeds'][0]), claims: [{ handle: 'contested', outcome: 'acknowledged' }] };
      accounts[1] = { ...(accounts[1] as History['accounts'][0]), handle: 'contested' };
    },
  },
  'an account is given two handles': {
    finds: ['doubled', 'lost'],
    plant: ({ deeds, owners }) => {
      deeds[0]?.claims.push({ handle: 'second', outcome: 'acknowledged' });
      owners.set('second', 'ana');
    },
  },
  'an acknowledged handle is lost': {
    finds: ['lost'],
    plant: ({ accounts, owners }) => {
      owners.delete('ben_own');
      accounts[1] = { ...(accounts[1] as History['accounts'][0]), handle: null };
    },
  },
  'a handle leads to somebody else': { finds: ['lost'], plant: ({ owners }) => void owners.set('ben_own', 'carl') },
  'a handle is refused that nobody has': {
    finds: ['forged'],
    plant: ({ deeds }) => deeds[2]?.claims.push({ handle: 'free', outcome: 'refused' }),
  },
  'a handle is refused to the account that has it': {
    finds: ['forged'],
    plant: ({ deeds }) => {
      deeds[0] = { ...(deeds[0] as History['deeds'][0]), claims: [{ handle: 'contested', outcome: 'refused' }] };
    },
  },
  'an account has a handle that it never claimed': {
    finds: ['forged', 'lost'],
    plant: ({ accounts }) => {
      accounts[1] = { ...(accounts[1] as History['accounts'][0]), handle: 'invented' };
    },
  },
  'an acknowledged entry of a chain is lost': {
    finds: ['lost'],
    plant: ({ accounts }) => void accounts[1]?.entries.pop(),
  },
  'an entry is stored twice': {
    finds: ['duplicated'],
    plant: ({ accounts }) => accounts[1]?.entries.push('ben revokes'),
  },
  'an entry that its owner never signed': {
    finds: ['forged'],
    plant: ({ accounts }) => accounts[1]?.entries.push('invented'),
  },
  'an entry got another number than its owner was told': {
    finds: ['renumbered'],
    plant: ({ deeds }) => {
      (deeds[1] as History['deeds'][0]).entries[1] = { entry: 'ben adds', seq: 2 };
    },
  },
  'a revoked device is back': { finds: ['lost'], plant: ({ accounts }) => accounts[0]?.devices.push('ana-2') },
  'a revoked device opens a session': { finds: ['lost'], plant: ({ accounts }) => accounts[0]?.openSessions.push('ana-2') },
  'a device is gone': { finds: ['lost'], plant: ({ accounts }) => void accounts[0]?.devices.pop() },
  'a device that nobody added': { finds: ['forged'], plant: ({ accounts }) => accounts[0]?.devices.push('invented') },
  'an acknowledged key package is lost': {
    finds: ['lost'],
    plant: ({ accounts }) => void accounts[2]?.packages.shift(),
  },
  'a last resort is lost': { finds: ['lost'], plant: ({ accounts }) => void accounts[0]?.packages.pop() },
  'a key package is given twice': {
    finds: ['doubled'],
    plant: ({ deeds }) => deeds[2]?.takings.push({ of: 'ana', refs: ['ana-a'] }),
  },
  'a key package is offered again after it was given': {
    finds: ['doubled'],
    plant: ({ accounts }) => accounts[0]?.packages.push('ana-a'),
  },
  'a key package that nobody offered': {
    finds: ['forged'],
    plant: ({ deeds }) => deeds[2]?.takings.push({ of: 'ana', refs: ['invented'] }),
  },
};

test.each(Object.entries(PLANTED))('finds it when %s', (_name, { finds, plant }) => {
  const history = goodHistory();
  plant(history);
  expect(kindsIn(history)).toEqual(finds);
});
