import type { Policy } from '@rialto/crypto/server';
import { isDmOf, pairOf } from './dm.ts';

const [ana, ben, eve] = ['A', 'B', 'E'].map((sign) => sign.repeat(43)) as [string, string, string];
const conversationId = 'cnv_1234567890123456789012';
const entry = (account: string): Policy['roster'][number] => ({ account, role: 'admin', minChainSeq: 0, since: 0n });
const policy = (change: Partial<Policy> = {}): Policy => ({
  conversationId,
  resetSeq: 0,
  kind: 'dm',
  roster: [entry(ana), entry(ben)],
  ...change,
});
const asked = { conversationId, pair: pairOf(ben, ana) };

test('a pair has one order', () => {
  expect(pairOf(ben, ana)).toEqual(pairOf(ana, ben));
});

test('the dm of the two who were named', () => {
  expect(isDmOf(policy(), asked)).toBe(true);
  expect(isDmOf(policy({ roster: [entry(ben), entry(ana)] }), asked)).toBe(true);
});

test.each([
  ['another conversation', policy({ conversationId: 'cnv_2234567890123456789012' })],
  ['another kind', policy({ kind: 'group' })],
  ['a later life', policy({ resetSeq: 1 })],
  ['somebody else', policy({ roster: [entry(ana), entry(eve)] })],
  ['a third', policy({ roster: [entry(ana), entry(ben), entry(eve)] })],
  ['one alone', policy({ roster: [entry(ana)] })],
  ['one without rights', policy({ roster: [entry(ana), { ...entry(ben), role: 'member' }] })],
])('not with %s', (_what, changed) => {
  expect(isDmOf(changed, asked)).toBe(false);
});
