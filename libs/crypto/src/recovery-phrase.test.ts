import { ready } from './primitives.ts';
import {
  backupKeyOf,
  newRecoveryPhrase,
  parseRecoveryPhrase,
  type PhraseProblem,
  RecoveryPhraseError,
  rootKeyOf,
} from './recovery-phrase.ts';

beforeAll(ready);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

// From BIP 39's own list of English vectors.
test.each([
  [
    '00000000000000000000000000000000',
    'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
  ],
  ['7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f', 'legal winner thank year wave sausage worth useful legal winner thank yellow'],
  ['80808080808080808080808080808080', 'letter advice cage absurd amount doctor acoustic avoid letter advice cage above'],
  ['ffffffffffffffffffffffffffffffff', 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong'],
])('the bytes %s', (bytes, phrase) => {
  expect(hex(parseRecoveryPhrase(phrase))).toBe(bytes);
  expect(hex(parseRecoveryPhrase(`  ${phrase.toUpperCase().replaceAll(' ', '\n ')} `))).toBe(bytes);
});

test('a new phrase has twelve words and another root key each time, and one phrase has one', () => {
  const phrases = Array.from({ length: 20 }, newRecoveryPhrase);
  for (const phrase of phrases) expect(phrase.split(' ')).toHaveLength(12);
  expect(new Set(phrases.map((phrase) => hex(rootKeyOf(phrase).publicKey))).size).toBe(20);
  const phrase = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
  expect(hex(rootKeyOf(phrase).publicKey)).toBe('b625606c3eb059d0f6d200c1fb89641d449bbfdc1f39ddb52774fbcd40223c6e');
  expect(hex(backupKeyOf(phrase))).not.toBe(hex(rootKeyOf(phrase).privateKey.slice(0, 32)));
});

const problem = (typed: string): { problem: PhraseProblem; word: number | undefined } | undefined => {
  try {
    parseRecoveryPhrase(typed);
    return undefined;
  } catch (error) {
    if (!(error instanceof RecoveryPhraseError)) throw error;
    for (const word of typed.split(' ')) if (word.length > 4) expect(error.message).not.toContain(word);
    return { problem: error.problem, word: error.word };
  }
};

test('a typing mistake says what is wrong and where, and repeats no word', () => {
  const right = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
  expect(problem(right)).toBeUndefined();
  expect(problem(right.replace('sausage', 'sausaga'))).toEqual({ problem: 'unknown-word', word: 6 });
  expect(problem(right.replace(' yellow', ''))).toEqual({ problem: 'word-count', word: undefined });
  expect(problem('')).toEqual({ problem: 'word-count', word: undefined });
  expect(problem(right.replace('yellow', 'winner'))).toEqual({ problem: 'checksum', word: undefined });
  expect(problem('winner legal thank year wave sausage worth useful legal winner thank yellow')).toEqual({
    problem: 'checksum',
    word: undefined,
  });
});
