import { CHALLENGE_LIFETIME_MS } from '@rialto/contracts';
import { Challenges } from './challenges.ts';

const challenges = new Challenges(new Uint8Array(32).fill(7));
const nowMs = 1_800_000_000_000;

test('a nonce is known until it expires, by every replica', () => {
  const { nonce, expiresAtMs } = challenges.create(nowMs);
  expect(expiresAtMs).toBe(nowMs + CHALLENGE_LIFETIME_MS);
  expect(new Challenges(new Uint8Array(32).fill(7)).expiryOf(nonce, nowMs)).toBe(expiresAtMs);
  expect(challenges.expiryOf(nonce, expiresAtMs - 1)).toBe(expiresAtMs);
  expect(challenges.expiryOf(nonce, expiresAtMs)).toBeUndefined();
});

test('another key, a changed sign, another length and another spelling are not ours', () => {
  const { nonce } = challenges.create(nowMs);
  expect(new Challenges(new Uint8Array(32).fill(8)).expiryOf(nonce, nowMs)).toBeUndefined();
  for (let index = 0; index < nonce.length; index += 1) {
    const changed = `${nonce.slice(0, index)}${nonce[index] === 'A' ? 'B' : 'A'}${nonce.slice(index + 1)}`;
    expect(challenges.expiryOf(changed, nowMs)).toBeUndefined();
  }
  for (const text of ['', 'A', nonce.slice(1), `${nonce}A`, `${nonce}==`, 'é'.repeat(54)])
    expect(challenges.expiryOf(text, nowMs)).toBeUndefined();
});

test('no two are equal', () => {
  expect(new Set(Array.from({ length: 100 }, () => challenges.create(nowMs).nonce)).size).toBe(100);
});
