import { payments, Receipt, type SignedBody } from '@rialto/contracts';
import { sign, verify } from '@rialto/crypto/server';
import { pushSubjectOf } from '@rialto/service';
import { testToken } from '@rialto/service/testing';
import { codeOf, Person, sendSigned, signedBody, startWorld, type World } from './world.ts';

const { getReceipt, getStatement, getWallet } = payments.operations;

let world: World;
let ana: Person;
let ben: Person;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(() => world.stop());
beforeEach(async () => {
  [ana, ben] = await Promise.all([world.newPerson(), world.newPerson()]);
  await world.fund(ana, 10_000n);
});

const balanceOf = async (person: Person, currency = 'EUR') => {
  const { accounts } = await world.gateway.call(getWallet, {}, { token: person.token });
  return accounts.find((account) => account.currency === currency)?.balanceMinor;
};
const refusalOf = (intent: object, change: { body?: SignedBody } = {}) => codeOf(world.pay(ana, intent as never, change.body));

test('money moves by a signed intent, and the ledger signs for both sides', async () => {
  const intent = world.intent(ana, ben, { amountMinor: '1200' });
  const paid = await world.pay(ana, intent);
  expect(paid).toMatchObject({ duplicate: false });
  expect([await balanceOf(ana), await balanceOf(ben)]).toEqual(['8800', '1200']);

  const { ledgerKey } = await world.gateway.call(getWallet, {}, { token: ana.token });
  const read = ({ signed, signature }: SignedBody) => {
    const bytes = Buffer.from(signed, 'base64url');
    expect(verify('receipt', bytes, Buffer.from(signature, 'base64url'), Buffer.from(ledgerKey, 'base64url'))).toBe(true);
    return Receipt.parse(JSON.parse(bytes.toString('utf8')));
  };
  const { transferId } = paid;
  expect(read(paid.receipt)).toMatchObject({
    account: ana.accountId,
    intentId: intent.intentId,
    balanceMinor: '8800',
    seq: 2,
    transferId,
  });
  const again = await world.gateway.call(getReceipt, { transferId }, { token: ana.token });
  expect(again.receipt).toEqual(paid.receipt);
  const bens = await world.gateway.call(getReceipt, { transferId }, { token: ben.token });
  expect(read(bens.receipt)).toMatchObject({ account: ben.accountId, balanceMinor: '1200', seq: 1 });
  const stranger = await world.newPerson();
  expect(await codeOf(world.gateway.call(getReceipt, { transferId }, { token: stranger.token }))).toBe('not-found');
});

test('an intent is short: it is kept for ever, and stands in the statement of whoever is paid', async () => {
  const intent = world.intent(ana, ben);
  const padded = Buffer.from(JSON.stringify(intent) + ' '.repeat(1_000_000), 'utf8');
  const body = {
    signed: padded.toString('base64url'),
    signature: Buffer.from(sign('transfer-intent', padded, ana.key.privateKey)).toString('base64url'),
  };
  expect(await refusalOf(intent, { body })).toBe('payload-too-large');
  await world.pay(ana, intent);
  const { entries } = await world.gateway.call(getStatement, { currency: 'EUR', after: 0 }, { token: ben.token });
  expect(entries).toMatchObject([{ intentId: intent.intentId }]);
});

test('the same intent gives the same transfer for ever, even after its expiry; another body under its id is refused', async () => {
  const intent = world.intent(ana, ben, { expiresAt: new Date(Date.now() + 400).toISOString() });
  const first = await world.pay(ana, intent);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = await world.pay(ana, intent);
  expect(second).toEqual({ ...first, duplicate: true });
  expect(await refusalOf({ ...intent, amountMinor: '101' })).toBe('conflict');
  // The same words in other bytes are another request: what was signed is what counts.
  const spaced = Buffer.from(JSON.stringify(intent, null, 1), 'utf8');
  const body = signedBody(intent, ana.key);
  const respelled = {
    signed: spaced.toString('base64url'),
    signature: Buffer.from(sign('transfer-intent', spaced, ana.key.privateKey)).toString('base64url'),
  };
  expect(respelled.signed).not.toBe(body.signed);
  expect(await refusalOf(intent, { body: respelled })).toBe('conflict');
  expect(await balanceOf(ben)).toBe('100');
});

test('an intent must be for this ledger, of this account, in time, and to somebody else who exists', async () => {
  const at = (inMs: number) => new Date(Date.now() + inMs).toISOString();
  const good = () => world.intent(ana, ben);
  expect(await refusalOf({ ...good(), ledger: 'ldg_BBBBBBBBBBBBBBBBBBBBBB' })).toBe('intent-invalid');
  expect(await refusalOf({ ...good(), from: ben.accountId, to: ana.accountId })).toBe('intent-invalid');
  expect(await refusalOf({ ...good(), to: ana.accountId })).toBe('intent-invalid');
  expect(await refusalOf({ ...good(), maxFeeMinor: '-1' })).toBe('intent-invalid');
  expect(await refusalOf({ ...good(), expiresAt: at(-1) })).toBe('intent-expired');
  expect(await refusalOf({ ...good(), expiresAt: at(660_000) })).toBe('intent-invalid');
  expect(await refusalOf({ ...good(), currency: 'XTS' })).toBe('currency-unknown');
  expect(await refusalOf({ ...good(), to: new Person().accountId })).toBe('not-found');
  expect(await refusalOf({ ...good(), amountMinor: '-5' })).toBe('invalid-input');
  expect(await refusalOf({ ...good(), amountMinor: '0' })).toBe('invalid-input');
  expect(await refusalOf({ ...good(), note: 'x' })).toBe('invalid-input');
  expect(await balanceOf(ana)).toBe('10000');
});

test('a signature counts only of a device in the chain, over these bytes, for this purpose', async () => {
  const intent = world.intent(ana, ben);
  const body = signedBody(intent, ana.key);
  const tampered = Buffer.from(JSON.stringify({ ...intent, amountMinor: '9999' }), 'utf8').toString('base64url');
  expect(await refusalOf(intent, { body: { ...body, signed: tampered } })).toBe('signature-invalid');
  expect(await refusalOf(intent, { body: signedBody(intent, ben.key) })).toBe('signature-invalid');
  const bytes = Buffer.from(body.signed, 'base64url');
  const asSession = Buffer.from(sign('session', bytes, ana.key.privateKey)).toString('base64url');
  expect(await refusalOf(intent, { body: { ...body, signature: asSession } })).toBe('signature-invalid');

  // Identity vouches by a token for a device that the account never certified.
  const forged = new Person();
  const token = await testToken({ accountId: ana.accountId, deviceId: forged.deviceId, deviceKey: forged.key.publicKey });
  expect(await codeOf(sendSigned(world.gateway, token, signedBody(intent, forged.key)))).toBe('device-revoked');
  // And for a certified device id with another key.
  const swapped = await testToken({ accountId: ana.accountId, deviceId: ana.deviceId, deviceKey: forged.key.publicKey });
  expect(await codeOf(sendSigned(world.gateway, swapped, signedBody(intent, forged.key)))).toBe('signature-invalid');
  expect(await balanceOf(ana)).toBe('10000');
});

test('a device that was revoked cannot pay, and an intent must name the newest chain', async () => {
  const second = ana.addDevice();
  const token = await testToken({
    accountId: ana.accountId,
    deviceId: second.deviceId,
    deviceKey: second.key.publicKey,
    chainSeq: 1,
  });
  const payAs = (chainSeq: number) =>
    codeOf(sendSigned(world.gateway, token, signedBody(world.intent(ana, ben, { chainSeq }), second.key)));
  expect(await payAs(1)).toBe('ok');
  expect(await payAs(0)).toBe('chain-stale');
  expect(await payAs(5)).toBe('chain-stale');
  ana.revoke(second.deviceId);
  expect(await payAs(2)).toBe('device-revoked');
  // With the old seq, the service believes a chain for five seconds at most.
  await new Promise((resolve) => setTimeout(resolve, 5_100));
  expect(await payAs(1)).toBe('chain-stale');
}, 15_000);

test('the same intent gives the same transfer for ever, also when its device chain has grown since', async () => {
  const [intent, other] = [world.intent(ana, ben), world.intent(ana, ben)];
  const first = await world.pay(ana, intent);
  ana.addDevice();
  await world.pay(ana, world.intent(ana, ben)); // the service has seen the longer chain
  expect(await world.pay(ana, intent)).toEqual({ ...first, duplicate: true });
  expect(await refusalOf({ ...intent, amountMinor: '101' })).toBe('conflict');
  expect(await refusalOf(other)).toBe('chain-stale');
  expect(await balanceOf(ben)).toBe('200');
});

test('limits are data, per transfer and per day', async () => {
  await world.fund(ana, 100_000_000n, 'JPY');
  const jpy = (amountMinor: string) => codeOf(world.pay(ana, world.intent(ana, ben, { currency: 'JPY', amountMinor })));
  expect(await jpy('1500001')).toBe('limit-exceeded');
  expect([await jpy('1500000'), await jpy('1500000'), await jpy('1')]).toEqual(['ok', 'ok', 'limit-exceeded']);
  await world.database.admin.query(`update payments.currency set max_per_day = 3000001 where code = 'JPY'`);
  expect([await jpy('1'), await jpy('1')]).toEqual(['ok', 'limit-exceeded']);
  // Tomorrow the day is new.
  await world.database.admin.query(`update payments.account set spent_on = spent_on - 1 where owner = $1`, [ana.accountId]);
  expect(await jpy('1')).toBe('ok');
  const error = await world
    .pay(ana, world.intent(ana, ben, { currency: 'JPY', amountMinor: '1500001' }))
    .catch((e: unknown) => e);
  expect(error).toMatchObject({ details: { limit: 'maxTransferMinor' } });
});

test('nobody spends what is not there, and a frozen account neither pays nor is paid', async () => {
  expect(await codeOf(world.pay(ana, world.intent(ana, ben, { amountMinor: '10001' })))).toBe('insufficient-funds');
  expect(await codeOf(world.pay(ben, world.intent(ben, ana)))).toBe('insufficient-funds');
  await world.pay(ana, world.intent(ana, ben));
  await world.database.admin.query(`update payments.account set frozen = true where owner = $1`, [ben.accountId]);
  expect(await codeOf(world.pay(ana, world.intent(ana, ben)))).toBe('account-frozen');
  expect(await codeOf(world.pay(ben, world.intent(ben, ana)))).toBe('account-frozen');
});

test('both parties hear of a transfer after it is committed', async () => {
  const link = await world.nats.linkAs('gateway');
  const heard: string[] = [];
  for (const { accountId } of [ana, ben]) {
    const subject = pushSubjectOf('*' as 'payments', accountId);
    link.connection.subscribe(subject, { callback: (_error, { data }) => void heard.push(Buffer.from(data).toString('utf8')) });
  }
  await link.connection.flush();
  const { transferId } = await world.pay(ana, world.intent(ana, ben));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const payloads = heard.map((text) => JSON.parse(text) as unknown);
  expect(payloads).toContainEqual({ event: 'payments.transferPosted', payload: { transferId, currency: 'EUR', seq: 2 } });
  expect(payloads).toContainEqual({ event: 'payments.transferPosted', payload: { transferId, currency: 'EUR', seq: 1 } });
});

test('a new wallet is empty and says what the ledger keeps', async () => {
  const wallet = await world.gateway.call(getWallet, {}, { token: ben.token });
  expect(wallet).toMatchObject({ accounts: [], isSimulated: true });
  expect(wallet.currencies.map(({ code, exponent }) => [code, exponent])).toEqual([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['USD', 2],
  ]);
  const empty = await world.gateway.call(getStatement, { currency: 'EUR', after: 0 }, { token: ben.token });
  expect(empty).toEqual({ entries: [], seq: 0, head: 'A'.repeat(43) });
  expect(await codeOf(world.gateway.call(getStatement, { currency: 'XTS', after: 0 }, { token: ben.token }))).toBe(
    'currency-unknown',
  );
});
