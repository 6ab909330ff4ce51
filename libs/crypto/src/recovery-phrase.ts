import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import sodium from 'libsodium-wrappers';
import { utf8 } from './encoding.ts';
import { randomBytes, wipe } from './primitives.ts';
import { type SigningKey, signingKeyFromSeed } from './signature.ts';

export type PhraseProblem = 'word-count' | 'unknown-word' | 'checksum';

/** `word` is the position, from 1, of the first word that is not in the list. The phrase itself is in no error. */
export class RecoveryPhraseError extends Error {
  problem: PhraseProblem;
  word: number | undefined;
  constructor(problem: PhraseProblem, message: string, word?: number) {
    super(message);
    this.problem = problem;
    this.word = word;
  }
}

export const RECOVERY_PHRASE_WORDS = 12;
const ENTROPY_BYTES = 16;
const KEY_BYTES = 32;

/** A new account's phrase: 128 random bits as twelve English words (BIP 39). */
export function newRecoveryPhrase(): string {
  return entropyToMnemonic(randomBytes(ENTROPY_BYTES), wordlist);
}

/** The 16 bytes behind a phrase as somebody typed it: case and spacing do not matter. Throws `RecoveryPhraseError`. */
export function parseRecoveryPhrase(typed: string): Uint8Array {
  const words = typed.normalize('NFKD').trim().toLowerCase().split(/\s+/u);
  if (words.length !== RECOVERY_PHRASE_WORDS)
    throw new RecoveryPhraseError('word-count', `a recovery phrase has ${RECOVERY_PHRASE_WORDS} words, this has ${words.length}`);
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) throw new RecoveryPhraseError('unknown-word', `word ${unknown + 1} is not in the word list`, unknown + 1);
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch {
    throw new RecoveryPhraseError(
      'checksum',
      'each word exists, but together they are no recovery phrase: one is wrong or misplaced',
    );
  }
}

/**
 * The account's root key: keyed BLAKE2b over a fixed context, with the phrase's bytes as key. 128 random bits need no slow
 * derivation; a phrase that somebody thought up would, which is why none is accepted.
 */
export function rootKeyOf(phrase: string): SigningKey {
  const seed = deriveFromPhrase(phrase, 'root-key');
  const key = signingKeyFromSeed(seed);
  wipe(seed);
  return key;
}

/** The key of the account's encrypted backup. */
export function backupKeyOf(phrase: string): Uint8Array {
  return deriveFromPhrase(phrase, 'backup-key');
}

function deriveFromPhrase(phrase: string, use: 'root-key' | 'backup-key'): Uint8Array {
  const entropy = parseRecoveryPhrase(phrase);
  const derived = sodium.crypto_generichash(KEY_BYTES, utf8(`rialto/recovery/${use}/v1`), entropy);
  wipe(entropy);
  return derived;
}
