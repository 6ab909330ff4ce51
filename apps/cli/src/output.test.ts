import { AppError } from '@rialto/contracts';
import { ClientError } from '@rialto/client';
import { EXIT, print, printError } from './output.ts';
import { UsageError } from './session.ts';

let said: string[];
beforeEach(() => {
  said = [];
  jest.spyOn(console, 'error').mockImplementation((line: string) => said.push(line));
  jest.spyOn(console, 'log').mockImplementation((line: string) => said.push(line));
});
afterEach(() => jest.restoreAllMocks());

test.each([
  [new AppError('insufficient-funds'), EXIT.failed],
  [new AppError('unavailable'), EXIT.offline],
  [new ClientError('no-account'), EXIT.noAccount],
  [new ClientError('store-locked'), EXIT.locked],
  [new ClientError('offline'), EXIT.offline],
  [new UsageError('Not like this.'), EXIT.usage],
  [new Error('boom'), EXIT.failed],
])('%s has its exit code and a sentence', (error, code) => {
  expect(printError({}, error)).toBe(code);
  expect(said[0]).toMatch(/^✗ .+[.a-z]$/);
});

test('with --json an error is one line of JSON with its code', () => {
  expect(printError({ json: true }, new AppError('not-found'))).toBe(EXIT.failed);
  expect(JSON.parse(said[0] ?? '')).toMatchObject({ error: { code: 'not-found' } });
});

test.each([
  ['an escape sequence', 'hi \u001b[2K\u001b]0;owned\u0007', 'hi \ufffd[2K\ufffd]0;owned\ufffd'],
  ['a C1 control', 'hi \u009b2K', 'hi \ufffd2K'],
  ['writing from right to left', 'pay \u202e00.21', 'pay \ufffd00.21'],
  [
    'a line that looks like another message',
    'hi\n12:00 you [12.00 EUR: settled] ✓',
    'hi\n      12:00 you [12.00 EUR: settled] ✓',
  ],
  ['a carriage return', 'hi\r12:00 you paid', 'hi\ufffd12:00 you paid'],
])('a text of somebody else cannot command the terminal or forge a line: %s', (_what, text, shown) => {
  print({}, {}, [text]);
  expect(said).toEqual([shown]);
});
