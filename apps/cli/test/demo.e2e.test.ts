import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rialto/engines';
import { runProgram, systemUrl } from './terminal.ts';

/** `npm run demo`: the whole story from the command line, on a system that runs and on one of its own. */
const DEMO = 'tools/start/demo.mjs';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rialto-cli-demo-'));
  chmodSync(dir, 0o711); // PostgreSQL's user must get to a folder in it.
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What an operator may have in the shell: it is for their system and not for a demo's own, which would not come up with it. */
const OPERATORS = { RIALTO_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none', RIALTO_STRIPE_KEY: 'sk_live_operators' };
type OnOutput = NonNullable<Parameters<typeof runProgram>[1]>['onOutput'];

const play = (port: number | string, onOutput?: OnOutput) =>
  runProgram([DEMO], {
    env: { ...OPERATORS, RIALTO_PORT: String(port), TMPDIR: dir, NO_COLOR: '1' },
    ...(onOutput && { onOutput }),
  });

/** What each chapter of the story must have come to. */
function expectStory(output: string): void {
  expect(output).not.toContain('✗');
  expect(output).toMatch(
    /✓ Ana sees the reply, the reaction and that Ben has read it: “Hello Ana\. Lunch was 24 €, half of it is yours\.”/,
  );
  expect(output).toMatch(/✓ Safety numbers are equal on both sides: \d{5}( \d{5}){11}/);
  expect(output).toMatch(/✓ The signed webhook arrives and her verified balance is: .*20\.00.*SIMULATED MONEY/);
  expect(output).toMatch(/✓ Ana's card is settled by her own statement: .*12\.00.* “For lunch”/);
  expect(output).toMatch(/✓ Ben's card is settled by his own statement: .*12\.00.* “For lunch”/);
  expect(output).toMatch(/✓ Both statements verify link by link: Ana .*8\.00.*, Ben .*12\.00/);
  const frames = /✓ Each hears the other: (\d+) and (\d+) frames opened, 0 refused/.exec(output);
  expect(Number(frames?.[1])).toBeGreaterThan(10);
  expect(Number(frames?.[2])).toBeGreaterThan(10);
}

/** Every process that was started in the test's own temporary folder, or with it. */
const processesHere = () =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((part) => readIfThere(`/proc/${pid}/${part}`).includes(dir)));

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // The process has ended since the list was made.
  }
}

test('plays on the system that runs, and starts none', async () => {
  const { code, output, errors } = await play(new URL(systemUrl()).port);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output).toContain('Using the Rialto that runs at');
  expect(output).not.toContain('starting one');
  expectStory(output);
});

test('plays on a system of its own when none runs, and leaves nothing of it behind', async () => {
  let ran = 0;
  const look = (output: string) => {
    if (ran === 0 && output.includes('Rialto demo on')) ran = processesHere().length;
  };
  const { code, output, errors } = await play(await freePort(), look);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expectStory(output);
  expect(ran).toBeGreaterThan(5);
  expect(processesHere()).toEqual([]);
  expect(readdirSync(dir)).toEqual([]);
  const own = /Rialto demo on (\S+)/.exec(output)?.[1] ?? '';
  await expect(fetch(`${own}/health/live`)).rejects.toThrow('fetch failed');
});

test('stopped while its system comes up, it leaves nothing of it behind either', async () => {
  let isTold = false;
  const { code } = await play(await freePort(), (output, send) => {
    if (isTold || !output.includes('PostgreSQL')) return;
    isTold = true;
    send('SIGINT');
  });
  expect(code).toBe(130);
  expect(processesHere()).toEqual([]);
  expect(readdirSync(dir)).toEqual([]);
});

test('says so and ends with 1 when the story breaks', async () => {
  const { code, output, errors } = await runProgram(['apps/cli/src/demo.ts'], {
    env: { RIALTO_URL: `http://127.0.0.1:${await freePort()}`, TMPDIR: dir },
  });
  expect(code).toBe(1);
  expect(output).toContain('✗ Ana makes an account');
  expect(errors).toContain('The demo failed:');
});
