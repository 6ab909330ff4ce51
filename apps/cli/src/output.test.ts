import { AppError } from '@rialto/contracts';
import { ClientError } from '@rialto/client';
import { EXIT, printError } from './output.ts';
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
