import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Listed {
  files: string[];
  problem?: string;
}
type Missing = { missing: true; why: string[]; help: string } | { path?: string; missing?: false };
type Found = Record<string, Missing>;
interface Here {
  stages: { name: string; needs?: string; bringUp?: () => undefined }[];
  isCi: boolean;
  setUp: (stages: object[]) => Promise<Found>;
  listTests: (stage: string, patterns: string[]) => Promise<Listed>;
  partByRequirements: (files: string[], found: Found) => Promise<{ runnable: string[]; notRun: string[] }>;
  runJest: (stage: object, files: string[]) => Promise<{ passed: number; failed: number }>;
}
interface Engines {
  mayInstall: () => boolean;
  installDebian: () => Promise<void>;
  findChromium: () => Promise<object>;
  findTurn: () => Promise<object>;
  findNats: () => Promise<object>;
}

let runTests: (words: string[], here: Here) => Promise<number>;
let listTests: Here['listTests'];
let partByRequirements: Here['partByRequirements'];
let setUp: (stages: object[], engines: Engines, say: (line: string) => void) => Promise<Found>;
beforeAll(async () => {
  const modules = ['./run-tests.mjs', './jest-stage.mjs', './requirements.mjs', './set-up.mjs'];
  const [runner, lister, requirements, start] = await Promise.all(modules.map((name) => import(name)));
  ({ runTests } = runner as { runTests: typeof runTests });
  ({ listTests } = lister as { listTests: typeof listTests });
  ({ partByRequirements } = requirements as { partByRequirements: typeof partByRequirements });
  ({ setUp } = start as { setUp: typeof setUp });
});

/** Runs with stages of two files each in which every test passes, but for what a test changes. */
async function play(words: string[], changes: Partial<Here> = {}) {
  const lines: string[] = [];
  const say = (line: unknown) => void lines.push(String(line));
  const spies = [jest.spyOn(console, 'log').mockImplementation(say), jest.spyOn(console, 'error').mockImplementation(say)];
  try {
    const here: Here = {
      stages: [{ name: 'first' }, { name: 'second' }],
      isCi: false,
      setUp: async () => ({}),
      listTests: async (stage) => ({ files: [`/a/${stage}/one.test.ts`, `/a/${stage}/two.test.ts`] }),
      partByRequirements,
      runJest: async (_stage, files) => ({ passed: files.length, failed: 0 }),
      ...changes,
    };
    return { code: await runTests(words, here), lines, last: lines.at(-1) };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

test('counts what its stages count', async () => {
  expect(await play([])).toMatchObject({ code: 0, last: '4 passed, 0 failed' });
  expect(await play(['second'])).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
});

describe('a stage that has gone', () => {
  const gone = async (stage: string): Promise<Listed> => ({ files: stage === 'second' ? [] : ['/a/one.test.ts'] });

  test('is named, and fails where nothing may be missing', async () => {
    const { code, lines, last } = await play([], { listTests: gone });
    expect([code, last]).toEqual([0, '1 passed, 0 failed']);
    expect(lines).toContain('Not run: second: no test file belongs to it');
    expect(await play([], { listTests: gone, isCi: true })).toMatchObject({ code: 1, last: '1 passed, 1 failed' });
  });

  test('is nobody’s concern when a path was asked for', async () => {
    expect(await play(['one'], { listTests: gone, isCi: true })).toMatchObject({ code: 0, last: '1 passed, 0 failed' });
  });

  test('fails anywhere when its files cannot be listed, and says why', async () => {
    const { code, lines, last } = await play([], {
      listTests: async (stage) => (stage === 'first' ? { files: ['/a/one.test.ts'] } : { files: [], problem: 'out of memory' }),
    });
    expect([code, last]).toEqual([1, '1 passed, 1 failed']);
    expect(lines.join('\n')).toContain('out of memory');
  });
});

test('jest that cannot list its files is a problem, and no empty list', async () => {
  const nowhere = mkdtempSync(join(tmpdir(), 'rialto-no-config-'));
  try {
    const { files, problem } = await listTests('unit', [`--config=${join(nowhere, 'jest.config.mjs')}`]);
    expect(files).toEqual([]);
    expect(problem).toContain('jest.config.mjs');
  } finally {
    rmSync(nowhere, { recursive: true });
  }
});

describe('what a machine lacks', () => {
  const noTurn: Found = { turn: { missing: true, why: ['no coturn on PATH'], help: 'install coturn' } };
  const media = '/r/libs/client/test/media.browser.test.ts';

  test('is named with the files that need it, which do not run and count nowhere', async () => {
    const changes = { setUp: async () => noTurn, listTests: async () => ({ files: ['/r/story.browser.test.ts', media] }) };
    const { code, lines, last } = await play(['second'], changes);
    expect([code, last]).toEqual([0, '1 passed, 0 failed']);
    expect(lines).toContain(`Not run: second: ${media}: coturn cannot be had (no coturn on PATH). This helps: install coturn`);
    expect(await play(['second'], { ...changes, isCi: true })).toMatchObject({ code: 1, last: '1 passed, 1 failed' });
  });

  test('keeps nothing back when it is there', async () => {
    expect(await partByRequirements([media], { turn: { path: '/usr/bin/turnserver' } })).toEqual({
      runnable: [media],
      notRun: [],
    });
  });
});

test('an installation that fails ends no run: another way is looked for, and what is missing is named', async () => {
  const said: string[] = [];
  const nothing = async () => ({ missing: true, why: ['nowhere'], help: 'ask' });
  const engines: Engines = {
    mayInstall: () => true,
    installDebian: () => Promise.reject(new Error('apt-get install chromium failed: no network')),
    findChromium: nothing,
    findTurn: nothing,
    findNats: nothing,
  };
  const stages = [{ name: 'browser', needs: 'chromium', bringUp: () => undefined }];
  const found = await setUp(stages, engines, (line) => said.push(line));
  expect(found['chromium']).toMatchObject({ missing: true });
  expect(said[0]).toBe('chromium: apt-get install chromium failed: no network; looking for another way');
  const { lines } = await play(['browser'], { stages, setUp: async () => found });
  expect(lines).toContain('Not run: browser: chromium cannot be had (nowhere). This helps: ask');
});
