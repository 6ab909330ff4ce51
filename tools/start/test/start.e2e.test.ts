import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort, isPortFree, postgresDataDir } from '@rialto/engines';

/** `npm start` as a person uses it: real engines, real services, from the command line. */

const ROOT = resolve(__dirname, '../../..');
const READY_MS = 90_000;
const STOP_MS = 10_000;
/** Less than the grace that a service is given when it is stopped in order. */
const INSISTED_STOP_MS = 3_500;
/** Of the scripts that the page itself names, compressed: what stands before the first paint. */
const MAX_PAGE_SCRIPT_BYTES = 100_000;

interface Start {
  child: ChildProcess;
  output: () => string;
  ended: Promise<number | null>;
}
interface State {
  postgresUrl: string;
  processes: { name: string; pid: number }[];
}

let dir: string;
let port: number;
const running = new Set<Start>();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rialto-start-'));
  chmodSync(dir, 0o711);
  port = await freePort();
});
afterAll(async () => {
  for (const start of running) start.child.kill('SIGTERM');
  await Promise.all([...running].map(({ ended }) => ended));
  rmSync(dir, { recursive: true, force: true });
});

/** Without the web client unless told otherwise: one test is enough to see that it is built and served. */
function begin(args: string[] = ['--no-web'], { dataDir = join(dir, 'data'), onPort = port, input = '' } = {}): Start {
  const env = { ...process.env, RIALTO_PORT: String(onPort), RIALTO_DATA_DIR: dataDir };
  const child = spawn(process.execPath, [join(ROOT, 'tools/start/start.mjs'), ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const start = { child, output: () => output, ended };
  running.add(start);
  void ended.then(() => running.delete(start));
  return start;
}

async function until(what: string, start: Start, check: () => boolean | Promise<boolean>, timeoutMs = READY_MS): Promise<void> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
    if (await check()) return;
    if (start.child.exitCode !== null) break;
  }
  if (!(await check())) throw new Error(`${what} did not happen:\n${start.output()}`);
}
const untilSaid = (start: Start, sentence: string) => until(`"${sentence}"`, start, () => start.output().includes(sentence));
const untilReady = (start: Start) => untilSaid(start, `Rialto is ready at http://localhost:${port}`);

const state = () => JSON.parse(readFileSync(join(dir, 'data', 'system.json'), 'utf8')) as State;
const pidOf = (name: string) => state().processes.find((one) => one.name === name)?.pid ?? NaN;
const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** As /proc has it: whatever was started by a process, or by what it started. */
function everythingBelow(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...everythingBelow(child)]);
}

/** The TCP ports of 127.0.0.1 that a process listens on. */
function listeningPorts(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1]);
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  const listening = rows.filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.includes(inode));
  return listening.map(([, local]) => parseInt(local?.split(':')[1] ?? '', 16));
}
function readLink(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return ''; // Closed since the list was made.
  }
}

const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.status === 200;

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: state().postgresUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The stages of one life, in order: each begins where the one before ended. */
describe('npm start', () => {
  let start: Start;

  test('says that it is ready, what is simulated, and what to do next', async () => {
    start = begin();
    await untilReady(start);
    await untilSaid(start, 'Money is simulated');
    await untilSaid(start, 'npm run demo');
    expect(await isReady()).toBe(true);
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    await query('create table kept as select 42 as answer');
  });

  test('answers a taken port with one sentence', async () => {
    const second = begin(undefined, { dataDir: join(dir, 'other') });
    expect(await second.ended).toBe(1);
    expect(second.output().trim()).toBe(
      `Port ${port} is taken by another program. Choose another, for example: RIALTO_PORT=${port + 1} npm start`,
    );
  });

  test('answers data in use with one sentence', async () => {
    const second = begin(undefined, { onPort: await freePort() });
    expect(await second.ended).toBe(1);
    expect(second.output().trim()).toMatch(/^Rialto already runs on these data \(.*\) at http:\/\/localhost:\d+\.$/);
  });

  test('answers a wrong option with how it is used', async () => {
    const second = begin(['--wathc']);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain('--watch');
  });

  test.each(['messaging', 'gateway', 'nats', 'postgres'])('starts %s again when it is killed, and says so', async (name) => {
    const before = pidOf(name);
    process.kill(before, 'SIGKILL');
    await untilSaid(start, `${name} stopped unexpectedly (`);
    await until(`a new ${name}`, start, () => pidOf(name) !== before && isAlive(pidOf(name)));
    await until('readiness', start, isReady);
    expect(await query('select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('leaves nothing behind after Ctrl-C', async () => {
    const { processes } = state();
    expect(processes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['postgres', 'nats', 'gateway', 'identity', 'messaging', 'calls', 'payments']),
    );
    const began = Date.now();
    start.child.kill('SIGINT');
    expect(await start.ended).toBe(0);
    expect(Date.now() - began).toBeLessThan(STOP_MS);
    expect(processes.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expect(await isPortFree(port, '127.0.0.1')).toBe(true);
  });

  test('ends everything at once on a second Ctrl-C, also what does not listen', async () => {
    start = begin();
    await untilReady(start);
    const all = everythingBelow(start.child.pid ?? NaN);
    const ports = all.flatMap(listeningPorts);
    expect(ports).toContain(port);
    expect(ports.length).toBeGreaterThan(3); // The gateway's, NATS's, PostgreSQL's and the processor's at least.
    const deaf = pidOf('messaging');
    process.kill(deaf, 'SIGSTOP');
    start.child.kill('SIGINT');
    await sleep(2_000); // Sooner, it could be the same Ctrl-C on another way.
    expect([start.child.exitCode, isAlive(deaf), isAlive(pidOf('postgres'))]).toEqual([null, true, true]);
    start.child.kill('SIGINT');
    const { length } = all.filter(isAlive);
    const began = Date.now();
    expect(await start.ended).toBe(1);
    expect(length).toBeGreaterThan(5);
    expect(Date.now() - began).toBeLessThan(INSISTED_STOP_MS);
    expect(all.filter(isAlive)).toEqual([]);
    for (const one of ports) expect([one, await isPortFree(one, '127.0.0.1')]).toEqual([one, true]);
    expect(existsSync(join(dir, 'data', 'in-use.json'))).toBe(false);
  });

  test('keeps the data, also when it is itself killed, and stops what that left behind', async () => {
    start = begin();
    await untilReady(start);
    expect(await query('select answer from kept')).toEqual([{ answer: 42 }]);
    const leftBehind = state().processes;
    process.kill(pidOf('messaging'), 'SIGSTOP'); // It ends late, and its sessions with the database with it.
    start.child.kill('SIGKILL');
    await start.ended;
    expect(leftBehind.filter(({ pid }) => isAlive(pid)).length).toBeGreaterThan(0);

    start = begin();
    await untilSaid(start, 'An earlier start was killed; stopping what it left behind');
    await untilReady(start);
    expect(leftBehind.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expect(await query('select answer from kept')).toEqual([{ answer: 42 }]);
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe(0);
  });

  test('begins anew only after a yes', async () => {
    const asked = begin(['--no-web', '--reset'], { input: 'no\n' });
    expect(await asked.ended).toBe(0);
    expect(asked.output()).toContain('Nothing was deleted.');
    expect(existsSync(join(postgresDataDir(join(dir, 'data', 'postgres')), 'PG_VERSION'))).toBe(true);

    start = begin(['--no-web', '--reset'], { input: 'yes\n' });
    await untilReady(start);
    await expect(query('select answer from kept')).rejects.toThrow('relation "kept" does not exist');
    start.child.kill('SIGINT');
    expect(await start.ended).toBe(0);
  });

  test('can be told to stop while it is still starting', async () => {
    start = begin();
    await untilSaid(start, 'PostgreSQL');
    start.child.kill('SIGINT');
    expect(await start.ended).toBe(0);
    expect(state().processes.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expect(await isPortFree(port, '127.0.0.1')).toBe(true);
  });
});

test('builds and serves the web client', async () => {
  const start = begin([], { dataDir: join(dir, 'web') });
  await untilReady(start);
  const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  const script = /<script[^>]+src="(\/assets\/[^"]+)"/.exec(page)?.[1];
  expect((await fetch(`http://127.0.0.1:${port}${script}`)).headers.get('content-type')).toContain('javascript');
  // As HTML is read: what the page names, and what those import before anything runs.
  const named = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) => path);
  expect(named.length).toBeGreaterThan(0);
  let bytes = 0;
  for (const path of named) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'accept-encoding': 'br' } });
    expect([path, answer.headers.get('content-encoding')]).toEqual([path, 'br']);
    bytes += Number(answer.headers.get('content-length'));
  }
  expect(bytes).toBeLessThan(MAX_PAGE_SCRIPT_BYTES);
  start.child.kill('SIGINT');
  expect(await start.ended).toBe(0);
});
