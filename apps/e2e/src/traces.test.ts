import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInFiles, findTraces } from './traces.ts';

const CANARY = 'canary-5f3a9c17e2b8d046';
const around = (bytes: Buffer | string) => Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('","b":1}')]);
const shifted = (shift: number) => Buffer.from(`${'x'.repeat(shift)}${CANARY} and more of the text`);
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

/** How a text might leak. */
const HIDDEN: Readonly<Record<string, Buffer>> = {
  'as it is': around(CANARY),
  'in capitals': around(CANARY.toUpperCase()),
  'in UTF-16': around(Buffer.from(CANARY, 'utf16le')),
  'in UTF-16, the other way round': around(utf16be(CANARY)),
  'as hex': around(shifted(0).toString('hex')),
  'as hex in capitals': around(shifted(0).toString('hex').toUpperCase()),
  'as hex of UTF-16': around(Buffer.from(CANARY, 'utf16le').toString('hex')),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4].map((shift) => [`in base64 after ${shift} bytes`, around(shifted(shift).toString('base64'))]),
  ),
  ...Object.fromEntries(
    [0, 1, 2].map((shift) => [`in base64url after ${shift} bytes`, around(shifted(shift).toString('base64url'))]),
  ),
  'in base64 within JSON within base64url': around(
    Buffer.from(JSON.stringify({ a: shifted(1).toString('base64') })).toString('base64url'),
  ),
  'in base64 within hex': around(Buffer.from(shifted(2).toString('base64')).toString('hex')),
  'in UTF-16 within base64': around(Buffer.from(`xy${CANARY}`, 'utf16le').toString('base64')),
};

test.each(Object.entries(HIDDEN))('a text is found %s', (_name, data) => {
  expect(findTraces(CANARY, [{ where: 'here', data }])).toEqual(['here']);
});

test('another text is not found', () => {
  for (const data of Object.values(HIDDEN)) expect(findTraces('canary-0000000000000000', [{ where: 'here', data }])).toEqual([]);
});

test('a text is found in a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rialto-traces-'));
  writeFileSync(join(dir, 'one'), HIDDEN['in base64 after 1 bytes'] ?? '');
  writeFileSync(join(dir, 'other'), 'nothing');
  expect(findInFiles(CANARY, dir)).toEqual(['one']);
  rmSync(dir, { recursive: true });
});
