import { newPassphraseSalt, passphraseKey, randomBytes, SECRET_BOX_KEY_BYTES } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';

const IV_BYTES = 12;

/** How a store's key is kept beside it. A `CryptoKey` that cannot be exported is kept by the browser as such. */
export type KeptKey =
  | {
      readonly kind: 'wrapped';
      readonly wrappingKey: CryptoKey;
      readonly iv: Uint8Array<ArrayBuffer>;
      readonly wrapped: ArrayBuffer;
    }
  | { readonly kind: 'argon2id'; readonly salt: Uint8Array; readonly passes: number; readonly memoryBytes: number };

/**
 * A new key: wrapped by a WebCrypto key that no script can read out (a copy of the database's rows alone opens nothing; somebody
 * who runs code in this origin can use it), or derived by Argon2id from a passphrase.
 */
export async function makeKey(passphrase: string | undefined): Promise<{ key: Uint8Array; kept: KeptKey }> {
  if (passphrase !== undefined) {
    const salt = newPassphraseSalt();
    return { key: await passphraseKey(passphrase, salt), kept: { kind: 'argon2id', ...salt } };
  }
  const wrappingKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const key = new Uint8Array(randomBytes(SECRET_BOX_KEY_BYTES));
  const iv = new Uint8Array(randomBytes(IV_BYTES));
  const wrapped = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, wrappingKey, key);
  return { key, kept: { kind: 'wrapped', wrappingKey, iv, wrapped } };
}

/** Throws `ClientError('wrong-key')`. */
export async function openKey(kept: KeptKey, passphrase: string | undefined): Promise<Uint8Array> {
  if ((kept.kind === 'argon2id') !== (passphrase !== undefined)) throw new ClientError('wrong-key');
  if (kept.kind === 'argon2id') return await passphraseKey(passphrase ?? '', kept);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: kept.iv }, kept.wrappingKey, kept.wrapped));
  } catch (cause) {
    throw new ClientError('wrong-key', cause);
  }
}
