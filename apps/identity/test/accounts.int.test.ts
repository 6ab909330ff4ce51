// Real: PostgreSQL, nats-server with the generated permissions, the whole service, libsodium. Nothing is replaced.
import { CHALLENGE_LIFETIME_MS, identity, MAX_CLOCK_SKEW_MS, MAX_DEVICES_PER_ACCOUNT, type AccountId } from '@rialto/contracts';
import { ready, toBase64url } from '@rialto/crypto';
import type { NatsClient, RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  type TestDatabase,
  type TestNats,
  testTokenKeys,
} from '@rialto/service/testing';
import { identityService } from '../src/service.ts';
import { Calls, Device, eventually, ORIGIN, Person, signedBody } from './person.ts';

const { operations } = identity;
const env = { RIALTO_TOKEN_PRIVATE_KEY: testTokenKeys.privateKey, RIALTO_ORIGINS: `https://rialto.example, ${ORIGIN}` };

let database: TestDatabase;
let nats: TestNats;
const replicas: RunningService[] = [];
let calls: Calls;
let messagingPeer: NatsClient;

beforeAll(async () => {
  await ready();
  [database, nats] = await Promise.all([createTestDatabase(['identity']), startTestNats()]);
  for (let replica = 0; replica < 2; replica += 1)
    replicas.push(await startTestService(identityService, { database, nats, env }));
  calls = new Calls(await nats.connectAs('gateway'));
  messagingPeer = await nats.connectAs('messaging');
}, 60_000);
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await nats.stop();
  await database.drop();
});

async function registered(): Promise<Person> {
  const person = new Person();
  await calls.register(person);
  return person;
}
const code = (code: string, details?: object) =>
  details === undefined ? { code } : { code, details: expect.objectContaining(details) };
const reference = (person: Person) => ({ accountId: person.id, chain: toBase64url(person.chain.bytes) });

describe('accounts', () => {
  test('an account is created once, also when it is created twice at the same time', async () => {
    const person = new Person();
    const answers = await Promise.all(Array.from({ length: 6 }, () => calls.call(operations.createAccount, reference(person))));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(await calls.call(operations.createAccount, reference(person))).toEqual({ accountId: person.id, created: false });
  });

  test('a forged beginning is refused and nothing is stored', async () => {
    const [ana, eve] = [new Person(), new Person()];
    const bytes = Buffer.from(ana.chain.bytes);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const forged = [
      { accountId: eve.id, chain: toBase64url(ana.chain.bytes) },
      { accountId: ana.id, chain: bytes.toString('base64url') },
      { accountId: ana.id, chain: toBase64url(ana.adding(new Device()).chain.bytes) },
      { accountId: ana.id, chain: '' },
      { accountId: ana.id, chain: toBase64url(new Uint8Array(100)) },
    ];
    for (const input of forged)
      await expect(calls.call(operations.createAccount, input)).rejects.toMatchObject(code('chain-invalid'));
    const { rowCount } = await database.admin.query('select from identity.account where account_id = any ($1)', [
      [ana.id, eve.id],
    ]);
    expect(rowCount).toBe(0);
  });

  test('a device id belongs to whoever had it first', async () => {
    const ana = await registered();
    const eve = new Person();
    Object.assign(eve.first, { id: ana.first.id });
    const { startChain } = await import('@rialto/crypto');
    eve.chain = startChain(eve.first.certified, eve.root);
    await expect(calls.call(operations.createAccount, reference(eve))).rejects.toMatchObject(code('chain-invalid'));
    const { rowCount } = await database.admin.query('select from identity.account where account_id = $1', [eve.id]);
    expect(rowCount).toBe(0);
  });

  test('anybody signed in sees an account with the chain that proves it', async () => {
    const [ana, ben] = [await registered(), await registered()];
    await calls.call(operations.setProfile, { displayName: 'Be\u0301n' }, ben.first);
    expect(await calls.call(operations.getAccount, { accountId: ben.id }, ana.first)).toEqual({
      accountId: ben.id,
      handle: null,
      displayName: 'B\u00e9n',
      chain: toBase64url(ben.chain.bytes),
    });
    await expect(calls.call(operations.getAccount, { accountId: 'x'.repeat(43) as AccountId }, ana.first)).rejects.toMatchObject(
      code('not-found'),
    );
    await expect(calls.call(operations.getAccount, { accountId: ben.id })).rejects.toMatchObject(code('unauthenticated'));
    await expect(calls.call(operations.setProfile, { displayName: 'a\u202eb' }, ana.first)).rejects.toMatchObject(
      code('invalid-input'),
    );
  });

  test('a service reads a chain; people cannot by that operation', async () => {
    const ana = await registered();
    expect(await messagingPeer.call(operations.getChain, { accountId: ana.id })).toEqual({
      chain: toBase64url(ana.chain.bytes),
      chainSeq: 0,
    });
    await expect(calls.call(operations.getChain, { accountId: ana.id }, ana.first)).rejects.toMatchObject(code('unavailable'));
  });
});

describe('sessions', () => {
  test('a signed challenge opens one session and no second one, on any replica', async () => {
    const ana = await registered();
    const { nonce } = await calls.call(operations.createChallenge, {});
    const request = { accountId: ana.id, deviceId: ana.first.id, origin: ORIGIN, nonce, at: new Date().toISOString() };
    const body = signedBody('session', request, ana.first);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => calls.call(operations.createSession, body)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(calls.call(operations.createSession, body)).rejects.toMatchObject(code('unauthenticated', { reason: 'nonce' }));
    const again = signedBody('session', { ...request, at: new Date(Date.now() + 5).toISOString() }, ana.first);
    await expect(calls.call(operations.createSession, again)).rejects.toMatchObject(code('unauthenticated', { reason: 'nonce' }));
  });

  test('another origin, clock, key, purpose, nonce, device or shape is refused', async () => {
    const [ana, eve] = [await registered(), await registered()];
    const late = new Date(Date.now() + MAX_CLOCK_SKEW_MS + 5_000).toISOString();
    const early = new Date(Date.now() - MAX_CLOCK_SKEW_MS - 5_000).toISOString();
    const refused: [Partial<Parameters<Calls['signIn']>[2]>, object][] = [
      [{ origin: 'https://evil.example' }, code('origin-refused')],
      [{ origin: `${ORIGIN}/` }, code('origin-refused')],
      [{ at: late }, code('unauthenticated', { reason: 'clock' })],
      [{ at: early }, code('unauthenticated', { reason: 'clock' })],
      [{ nonce: 'A'.repeat(54) }, code('unauthenticated', { reason: 'nonce' })],
      [{ deviceId: eve.first.id }, code('unauthenticated', { reason: 'unknown-device' })],
      [{ accountId: eve.id }, code('unauthenticated', { reason: 'unknown-device' })],
    ];
    for (const [change, error] of refused) await expect(calls.signIn(ana, ana.first, change)).rejects.toMatchObject(error);

    const { nonce } = await calls.call(operations.createChallenge, {});
    const request = { accountId: ana.id, deviceId: ana.first.id, origin: ORIGIN, nonce, at: new Date().toISOString() };
    for (const body of [signedBody('session', request, eve.first), signedBody('chain-append', request, ana.first)]) {
      await expect(calls.call(operations.createSession, body)).rejects.toMatchObject(code('signature-invalid'));
    }
    for (const input of [{ ...request, extra: 1 }, { ...request, at: 'now' }, 'text', null]) {
      await expect(calls.call(operations.createSession, signedBody('session', input, ana.first))).rejects.toMatchObject(
        code('invalid-input'),
      );
    }
    const notText = { signed: Buffer.from([0xff, 0xfe]).toString('base64url'), signature: 'A'.repeat(86) };
    await expect(calls.call(operations.createSession, notText)).rejects.toMatchObject(code('invalid-input'));
    // None of it has used the nonce up.
    await calls.call(operations.createSession, signedBody('session', request, ana.first));
  });

  test('an expired challenge opens nothing', async () => {
    const ana = await registered();
    const { Challenges } = await import('../src/challenges.ts');
    const challenges = new Challenges(Buffer.from(testTokenKeys.privateKey, 'base64url'));
    const { nonce } = challenges.create(Date.now() - CHALLENGE_LIFETIME_MS - 1_000);
    await expect(calls.signIn(ana, ana.first, { nonce })).rejects.toMatchObject(code('unauthenticated', { reason: 'nonce' }));
    const { nonce: fresh } = challenges.create(Date.now());
    await calls.signIn(ana, ana.first, { nonce: fresh });
  });
});

describe('handles', () => {
  let count = 0;
  const newHandle = () => `person_${process.pid}_${(count += 1)}`;
  const claim = (person: Person, handle: string, accountId = person.id) =>
    calls.signed(operations.claimHandle, { accountId, handle }, person.first);

  test('claimed once by one, for good', async () => {
    const handle = newHandle();
    const people = await Promise.all(Array.from({ length: 6 }, registered));
    const results = await Promise.allSettled(people.map((person) => claim(person, handle)));
    const winner = people[results.findIndex(({ status }) => status === 'fulfilled')] as Person;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(code('handle-taken'));
    expect(await claim(winner, handle)).toEqual({ handle });
    await expect(claim(winner, newHandle())).rejects.toMatchObject(code('account-has-handle'));
    const found = await calls.call(operations.findHandle, { handle }, people[0]?.first);
    expect(found).toMatchObject({ accountId: winner.id, handle, chain: toBase64url(winner.chain.bytes) });
    expect(await calls.call(operations.checkHandle, { handle: `@${handle.toUpperCase()}` })).toEqual({
      available: false,
      reason: 'taken',
    });
    for (const statement of ['delete from identity.handle', "update identity.handle set account_id = 'x'"]) {
      await expect(replicas[0]?.kit.database.pool.query(statement)).rejects.toThrow(/permission denied/);
    }
  });

  test('one account gets one handle, also when it asks for many at once', async () => {
    const ana = await registered();
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => claim(ana, newHandle())));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('reserved, malformed, and for somebody else', async () => {
    const [ana, eve] = [await registered(), await registered()];
    await expect(claim(ana, 'adm1n')).rejects.toMatchObject(code('handle-reserved'));
    await expect(claim(ana, 'Upper')).rejects.toMatchObject(code('invalid-input'));
    await expect(claim(eve, newHandle(), ana.id)).rejects.toMatchObject(code('forbidden'));
    await expect(
      calls.signed(operations.claimHandle, { accountId: ana.id, handle: newHandle() }, ana.first, 'session'),
    ).rejects.toMatchObject(code('signature-invalid'));
    expect(await calls.call(operations.checkHandle, { handle: 'r1alto' })).toEqual({ available: false, reason: 'reserved' });
    expect(await calls.call(operations.checkHandle, { handle: 'a' })).toEqual({ available: false, reason: 'malformed' });
    expect(await calls.call(operations.checkHandle, { handle: newHandle() })).toEqual({ available: true, reason: null });
    await expect(calls.call(operations.findHandle, { handle: newHandle() }, ana.first)).rejects.toMatchObject(code('not-found'));
  });
});

describe('devices', () => {
  const append = (person: Person, entry: string, by: Device = person.first, accountId = person.id) =>
    calls.signed(operations.appendToChain, { accountId, entry }, by);

  test('a second device is added, signs in, and is listed', async () => {
    const ana = await registered();
    const second = new Device();
    const { chain, entry } = ana.adding(second);
    await expect(calls.signIn(ana, second)).rejects.toMatchObject(code('unauthenticated'));
    expect(await append(ana, entry)).toEqual({ chainSeq: 1 });
    expect(await append(ana, entry)).toEqual({ chainSeq: 1 });
    ana.chain = chain;
    await calls.signIn(ana, second);
    const listed = await calls.call(operations.listDevices, {}, second);
    expect(listed.chainSeq).toBe(1);
    expect(listed.devices.map(({ deviceId, isCurrent }) => [deviceId, isCurrent])).toEqual([
      [ana.first.id, false],
      [second.id, true],
    ]);
    expect(listed.devices.every(({ lastSeenAt }) => lastSeenAt !== null)).toBe(true);
  });

  test('a fork has one winner', async () => {
    const ana = await registered();
    const forks = Array.from({ length: 6 }, () => ana.adding(new Device()).entry);
    const results = await Promise.allSettled(forks.map((entry) => append(ana, entry)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject(code('chain-stale', { chainSeq: 1 }));
    const { rows } = await database.admin.query('select count(*)::int as devices from identity.device where account_id = $1', [
      ana.id,
    ]);
    expect(rows[0]).toEqual({ devices: 2 });
  });

  test('an entry that does not continue the chain, or is for another account, is refused', async () => {
    const [ana, eve] = [await registered(), await registered()];
    const { chain } = ana.adding(new Device());
    const ahead = new Person();
    Object.assign(ahead, { root: ana.root, first: ana.first, chain });
    await expect(append(ana, ahead.adding(new Device()).entry)).rejects.toMatchObject(code('chain-invalid'));
    await expect(append(ana, eve.adding(new Device()).entry)).rejects.toMatchObject(code('chain-invalid'));
    await expect(append(ana, 'AAAA')).rejects.toMatchObject(code('chain-invalid'));
    await expect(append(ana, '')).rejects.toMatchObject(code('chain-invalid'));
    await expect(append(eve, ana.adding(new Device()).entry, eve.first, ana.id)).rejects.toMatchObject(code('forbidden'));
  });

  test('ten devices and no eleventh', async () => {
    const ana = await registered();
    for (let devices = 1; devices < MAX_DEVICES_PER_ACCOUNT; devices += 1) {
      const { chain, entry } = ana.adding(new Device());
      await append(ana, entry);
      ana.chain = chain;
    }
    expect(() => ana.adding(new Device())).toThrow();
    expect((await calls.call(operations.listDevices, {}, ana.first)).devices).toHaveLength(MAX_DEVICES_PER_ACCOUNT);
  });

  test('a revoked device is refused at once by identity, told to the others, and never comes back', async () => {
    const ana = await registered();
    const lost = new Device();
    const added = ana.adding(lost);
    await append(ana, added.entry);
    ana.chain = added.chain;
    await calls.signIn(ana, lost);
    const hints: string[] = [];
    const gateway = await nats.linkAs('gateway');
    gateway.connection.subscribe('hint.revoked', { callback: (_error, hint) => void hints.push(hint.string()) });
    await gateway.connection.flush();

    const revoked = ana.revoking(lost);
    expect(await append(ana, revoked.entry)).toEqual({ chainSeq: 2 });
    ana.chain = revoked.chain;
    await expect(calls.signIn(ana, lost)).rejects.toMatchObject(code('device-revoked'));
    const { devices } = await messagingPeer.call(operations.listRevocations, {});
    expect(devices).toContainEqual({ accountId: ana.id, deviceId: lost.id });
    const told = () => hints.map((hint) => JSON.parse(hint) as unknown);
    await eventually(() => expect(told()).toContainEqual({ accountId: ana.id, deviceId: lost.id }));
    await expect(calls.call(operations.listDevices, {}, lost)).rejects.toMatchObject(code('device-revoked'));
    expect(() => ana.adding(lost)).toThrow();
    // Minutes later no token of it can be alive, and it leaves the list.
    await database.admin.query("update identity.device set revoked_at = now() - interval '10 minutes' where device_id = $1", [
      lost.id,
    ]);
    expect((await messagingPeer.call(operations.listRevocations, {})).devices).not.toContainEqual({
      accountId: ana.id,
      deviceId: lost.id,
    });
    await expect(calls.signIn(ana, lost)).rejects.toMatchObject(code('device-revoked'));
  });

  test('the root key expels a device through another one', async () => {
    const ana = await registered();
    const second = new Device();
    const added = ana.adding(second);
    await append(ana, added.entry);
    ana.chain = added.chain;
    expect(await append(ana, ana.revoking(second, 'root').entry)).toEqual({ chainSeq: 2 });
  });
});
