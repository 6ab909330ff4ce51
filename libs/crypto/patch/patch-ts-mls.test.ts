import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const script = join(__dirname, 'patch-ts-mls.mjs');
const installed = dirname(dirname(dirname(createRequire(__filename).resolve('ts-mls'))));
let folder: string;

/** A workspace of our own: the script beside the library, the package at the root. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rialto-patch-'));
  mkdirSync(join(folder, 'libs/crypto/patch'), { recursive: true });
  copyFileSync(script, join(folder, 'libs/crypto/patch/patch-ts-mls.mjs'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const install = () => cpSync(installed, join(folder, 'node_modules/ts-mls'), { recursive: true });
const file = (name: string) => join(folder, 'node_modules/ts-mls/dist/src', name);
function run(): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'libs/crypto/patch/patch-ts-mls.mjs')], {
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

test('this installation is corrected', () => {
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toContain('already corrected');
});

test('without the package it says what to do', () => {
  expect(run()).toEqual({ status: 1, output: expect.stringContaining('run `npm install`') as string });
});

test('a package at the root is found, and running again changes nothing', () => {
  install();
  expect(run()).toEqual({ status: 0, output: 'ts-mls 1.6.4: already corrected\n' });
});

test('files of the release become the corrected ones', () => {
  install();
  for (const [name, corrected, original] of reversals) {
    const text = readFileSync(file(name), 'utf8');
    expect(text.split(corrected)).toHaveLength(2);
    writeFileSync(
      file(name),
      text.replace(corrected, () => original),
    );
  }
  expect(run()).toEqual({ status: 0, output: 'ts-mls 1.6.4: 2 files corrected\n' });
  for (const [name] of reversals)
    expect(readFileSync(file(name), 'utf8')).toBe(readFileSync(join(installed, 'dist/src', name), 'utf8'));
});

test('a file that somebody changed stops it, and nothing is written', () => {
  install();
  writeFileSync(file('treemath.js'), `${readFileSync(file('treemath.js'), 'utf8')}\n`);
  expect(run()).toEqual({ status: 1, output: expect.stringContaining('treemath.js is not the file of 1.6.4') as string });
});

test('another version stops it', () => {
  install();
  const manifest = join(folder, 'node_modules/ts-mls/package.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"version": "1.6.4"', '"version": "1.6.5"'));
  expect(run()).toEqual({ status: 1, output: expect.stringContaining('found version 1.6.5') as string });
});

// What undoes the edits of two of the files, so that the script has the release's bytes to start from.
const reversals = [
  [
    'createCommit.js',
    '{ ...state.groupContext, extensions: res.additionalResult.extensions?.length ? res.additionalResult.extensions : state.groupContext.extensions }',
    'state.groupContext',
  ],
  [
    'treemath.js',
    '    if (!(nodeIndex >= 0 && nodeIndex <= 2 * r))\n        throw new InternalError("node outside the tree");\n',
    '',
  ],
] as const;
