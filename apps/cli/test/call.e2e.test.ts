import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, runProgram, systemUrl } from './terminal.ts';

/** `rialto call` and `rialto answer` as two people use them: a process each, a real connection, real sound. */
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rialto-cli-call-'));
  await Promise.all([json('ana', 'register', handles.ana), json('ben', 'register', handles.ben)]);
  await json('ana', 'send', handles.ben, 'Shall we talk?');
  await json('ben', 'accept', handles.ana);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const suffix = Math.random().toString(36).slice(2, 8);
const handles = { ana: `ana_${suffix}`, ben: `ben_${suffix}` };
type Name = keyof typeof handles;
type OnErrors = NonNullable<Parameters<typeof runProgram>[1]>['onErrors'];

const rialto = (profile: Name, args: readonly string[], onErrors?: OnErrors) =>
  runProgram(['apps/cli/bin/rialto.mjs', '--profile', profile, '--json', ...args], {
    env: { RIALTO_HOME: home, RIALTO_URL: systemUrl() },
    ...(onErrors && { onErrors }),
  });

/** The one line of JSON that a command prints, whatever it came to. */
function said({ output, errors }: Ended): unknown {
  const lines = output.trim().split('\n');
  expect([lines.length, lines[0] === '' && errors]).toEqual([1, false]);
  return JSON.parse(lines[0] ?? '');
}
async function json(profile: Name, ...args: string[]): Promise<unknown> {
  const ended = await rialto(profile, args);
  expect(ended).toMatchObject({ code: 0 });
  return said(ended);
}

/** Ben waits, and once he does Ana calls. Each side may send a signal when it has said something on the way. */
async function talk(options: { answer?: string[]; call?: string[]; onAnswer?: OnErrors; onCall?: OnErrors }) {
  let calling: Promise<Ended> | undefined;
  const answering = rialto('ben', ['answer', ...(options.answer ?? [])], (errors, send) => {
    if (errors.includes('Waiting for a call'))
      calling ??= rialto('ana', ['call', handles.ben, ...(options.call ?? [])], options.onCall);
    options.onAnswer?.(errors, send);
  });
  const ben = await answering;
  if (calling === undefined) throw new Error(`Nobody waited for a call: ${ben.errors}`);
  return { ana: await calling, ben };
}

interface Held {
  callId: string;
  endReason: string;
  stats: { framesOpened: number; framesRefused: number; audioEnergy: number; bytesSent: number; path: string };
}
function expectHeld(...sides: Ended[]): Held[] {
  expect(sides.map(({ code, errors }) => [code, errors.includes('active')])).toEqual(sides.map(() => [0, true]));
  const held = sides.map((side) => said(side) as Held);
  for (const { endReason, stats } of held) {
    expect([endReason, stats.framesRefused]).toEqual(['hung-up', 0]);
    expect(stats.framesOpened).toBeGreaterThan(10);
    expect(stats.audioEnergy).toBeGreaterThan(0);
    expect(stats.bytesSent).toBeGreaterThan(0);
  }
  expect(new Set(held.map(({ callId }) => callId)).size).toBe(1);
  return held;
}

test('each hears the other, and who called hangs up after the time that was asked for', async () => {
  const { ana, ben } = await talk({ call: ['--seconds', '2'] });
  expectHeld(ana, ben);
});

test('Ctrl-C of who answered hangs up too', async () => {
  let isTold = false;
  const onAnswer: OnErrors = (errors, send) => {
    if (isTold || !errors.includes('active')) return;
    isTold = true;
    setTimeout(() => send('SIGINT'), 2_000);
  };
  const { ana, ben } = await talk({ onAnswer });
  expectHeld(ana, ben);
});

test('a declined call is a failure for who called, and done for who declined', async () => {
  const { ana, ben } = await talk({ answer: ['--decline'] });
  expect([ana.code, said(ana)]).toEqual([1, { error: { code: 'declined', message: 'The call came to nothing: declined.' } }]);
  expect([ben.code, said(ben)]).toMatchObject([0, { endReason: 'declined', stats: null }]);
});

test('whoever hides the address talks through the relay alone, until it is shown again', async () => {
  expect(await json('ana', 'hide-address')).toEqual({ hidesAddressInCalls: false });
  expect(await json('ana', 'hide-address', 'on')).toEqual({ hidesAddressInCalls: true });
  expect(await rialto('ana', ['hide-address', 'maybe'])).toMatchObject({ code: 2 });
  const { ana, ben } = await talk({ call: ['--seconds', '2'] });
  expect(expectHeld(ana, ben)[0]?.stats.path).toBe('relay');
  expect(await json('ana', 'hide-address', 'off')).toEqual({ hidesAddressInCalls: false });
});
