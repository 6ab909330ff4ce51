import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ProblemCode } from '@rialto/client';
import { PROBLEM_WORDS, sayProblem, SHOWN_IN_PLACE } from './words.ts';

/** The codes are a type; what is left of it when the test runs is its source. */
function problemCodes(): ProblemCode[] {
  const source = readFileSync(path.join(__dirname, '../../../../libs/client/src/views.ts'), 'utf8');
  const union = /export type ProblemCode =([^;]+);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code as ProblemCode);
}

test('every problem of the SDK has words, or a place on the screen that tells it', () => {
  const codes = problemCodes();
  expect(codes.length).toBeGreaterThan(10);
  expect([...Object.keys(PROBLEM_WORDS), ...SHOWN_IN_PLACE].toSorted()).toEqual(codes.toSorted());
});

test('a lie of the server stays on the screen; what asks for nothing at once goes by itself', () => {
  expect(sayProblem('statement-forged')).toMatchObject({ tone: 'danger', text: expect.stringContaining('does not add up') });
  expect(sayProblem('background-work-failed')).toMatchObject({ tone: 'info', text: expect.stringContaining('reload') });
  expect(sayProblem('device-revoked')).toBeNull();
});
