import { AppError } from '@rialto/contracts';
import { asAppError, storageFailure } from './failure.ts';

const withCode = (code: string) => Object.assign(new Error('x'), { code });

test.each([
  ['ECONNREFUSED', 'unavailable'],
  ['57P03', 'unavailable'],
  ['57014', 'unavailable'],
  ['55P03', 'unavailable'],
  ['40P01', 'unavailable'],
  ['53100', 'unavailable'],
  ['57P01', 'outcome-unknown'],
  ['ECONNRESET', 'outcome-unknown'],
  ['23505', undefined],
  ['42P01', undefined],
])('%s means %s', (code, meaning) => {
  expect(storageFailure(withCode(code))?.code).toBe(meaning);
  expect(storageFailure(new Error('TypeORM', { cause: withCode(code) }))?.code).toBe(meaning);
  expect(storageFailure(Object.assign(new Error('query failed'), { driverError: withCode(code) }))?.code).toBe(meaning);
});

test.each([
  ['timeout exceeded when trying to connect', 'unavailable'],
  ['Connection terminated unexpectedly', 'outcome-unknown'],
  ['Query read timeout', 'outcome-unknown'],
])('%s', (message, meaning) => expect(storageFailure(new Error(message))?.code).toBe(meaning));

test('what is neither is a bug of ours, and its cause stays inside', () => {
  const error = asAppError(new TypeError('secret'));
  expect([error.code, error.details]).toEqual(['internal', undefined]);
  const own = new AppError('conflict');
  expect(asAppError(own)).toBe(own);
});
