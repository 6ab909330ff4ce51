import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rialto } from '@rialto/client';
import { openFileStore } from '@rialto/client/node';
import { runProgram, systemUrl } from './terminal.ts';

/** The `rialto` command as a script uses it: two profiles on one machine, one process a command, answers in JSON. */
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'rialto-cli-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const suffix = Math.random().toString(36).slice(2, 8);
const handles = { ana: `ana_${suffix}`, ben: `ben_${suffix}` };

async function rialto(profile: string, args: readonly string[], { input = '', url = systemUrl() } = {}) {
  const env = { RIALTO_HOME: home, RIALTO_URL: url };
  return runProgram(['apps/cli/bin/rialto.mjs', '--profile', profile, ...args], { env, input });
}

/** What a command that goes well answers: one line of JSON, and nothing else anywhere. */
async function answer(profile: string, ...args: string[]): Promise<unknown> {
  const { code, output, errors } = await rialto(profile, ['--json', ...args]);
  expect({ code, errors, lines: output.trim().split('\n').length, output }).toMatchObject({ code: 0, errors: '', lines: 1 });
  return JSON.parse(output);
}

async function refusal(profile: string, ...args: string[]) {
  const { code, output } = await rialto(profile, ['--json', ...args]);
  const { error } = JSON.parse(output) as { error: { code: string } };
  return [code, error.code];
}

test('two profiles make accounts, know who they are, and find each other', async () => {
  const register = async (name: 'ana' | 'ben') => {
    const made = (await answer(name, 'register', handles[name], '--name', name)) as { recoveryPhrase: string };
    expect(made).toMatchObject({ handle: handles[name], displayName: name });
    expect(made.recoveryPhrase.split(' ')).toHaveLength(12);
    return (await answer(name, 'whoami')) as { accountId: string };
  };
  const [ana, ben] = await Promise.all([register('ana'), register('ben')]);
  expect(ana).toMatchObject({ handle: handles.ana });
  const found = await Promise.all([answer('ana', 'find', `@${handles.ben}`), answer('ben', 'find', handles.ana)]);
  expect(found).toMatchObject([
    { accountId: ben.accountId, handle: handles.ben },
    { accountId: ana.accountId, handle: handles.ana },
  ]);
});

test('a profile whose registration was cut off before it showed the recovery phrase shows it with the next look, and once', async () => {
  const store = await openFileStore({ directory: join(home, 'profiles', 'cut') });
  const request = { url: systemUrl(), store, handle: `cut_${suffix}` };
  const { client, recoveryPhrase } = await Rialto.register(request);
  await client.close();
  await store.close();
  expect(await answer('cut', 'whoami')).toMatchObject({ handle: `cut_${suffix}`, recoveryPhrase });
  expect(await answer('cut', 'whoami')).not.toHaveProperty('recoveryPhrase');
  expect(await answer('ana', 'whoami')).not.toHaveProperty('recoveryPhrase');
});

test('they write: one sends, the other accepts, reads and talks back', async () => {
  await answer('ana', 'send', `@${handles.ben}`, 'Hello', 'Ben');
  await answer('ben', 'accept', `@${handles.ana}`);
  expect(await answer('ben', 'read', handles.ana)).toMatchObject([{ isMine: false, body: { type: 'text', text: 'Hello Ben' } }]);
  const talk = await rialto('ben', ['chat', handles.ana], { input: 'Hello Ana\n/quit\n' });
  expect(talk).toMatchObject({ code: 0, errors: '' });
  expect(talk.output).toContain('Hello Ben');
  expect(await answer('ana', 'read', handles.ben)).toMatchObject([
    { isMine: true, state: 'read', body: { text: 'Hello Ben' } },
    { isMine: false, body: { text: 'Hello Ana' } },
  ]);
});

test('they pay: money comes in, goes over, and stands in both statements', async () => {
  const { checkoutUrl } = (await answer('ana', 'topup', '20')) as { checkoutUrl: string };
  const page = new URL(new URL(checkoutUrl).pathname, systemUrl());
  const paid = await fetch(`${page}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  expect(paid.status).toBe(303);
  await expectBalance('2000');
  const { transferId } = (await answer('ana', 'pay', handles.ben, '12.50', '--memo', 'For lunch')) as { transferId: string };
  const entries = await Promise.all([answer('ana', 'statement'), answer('ben', 'statement')]);
  expect(entries).toMatchObject([
    [{ transferId, direction: 'debit', amountMinor: '1250', balanceMinor: '750' }, { kind: 'top-up' }],
    [{ transferId, direction: 'credit', amountMinor: '1250', balanceMinor: '1250' }],
  ]);
});

test('whatever shows money to a person says that it is simulated', async () => {
  const shown = await Promise.all([rialto('ana', ['pay', handles.ben, '0.50']), rialto('ben', ['topup', '5'])]);
  shown.push(await rialto('ana', ['statement']), await rialto('ben', ['wallet']));
  for (const { code, output } of shown) expect([code, output.trim().split('\n').at(-1)]).toEqual([0, 'SIMULATED MONEY']);
  expect(await answer('ana', 'pay', handles.ben, '0.25')).toMatchObject({ isSimulated: true });
  expect(await answer('ana', 'topup', '5')).toMatchObject({ isSimulated: true });
});

test('the server that the environment names is the one that is asked, also by an account made elsewhere', async () => {
  const { code } = await rialto('ben', ['find', handles.ana], { url: 'http://127.0.0.1:9' });
  expect(code).toBe(4);
});

test('what goes wrong has a code, and an exit code that a script can tell apart', async () => {
  const refused = await Promise.all([
    refusal('ana', 'pay', handles.ben, '900'),
    refusal('ben', 'find', `nobody_${suffix}`),
    refusal('nobody', 'whoami'),
    refusal('../ana', 'whoami'),
  ]);
  expect(refused).toEqual([
    [1, 'insufficient-funds'],
    [1, 'not-found'],
    [3, 'no-account'],
    [2, 'usage'],
  ]);
});

/** The processor's word takes a moment, and each look is a process of its own. */
async function expectBalance(balanceMinor: string): Promise<void> {
  for (let look = 0; look < 5; look += 1) {
    const [balance] = (await answer('ana', 'wallet')) as [{ balanceMinor: string }];
    if (balance.balanceMinor === balanceMinor) return;
  }
  throw new Error(`The balance is not ${balanceMinor}.`);
}
