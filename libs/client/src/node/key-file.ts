import { chmod, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBase64url, newPassphraseSalt, passphraseKey, randomBytes, SECRET_BOX_KEY_BYTES, toBase64url } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';

const OWNER_ONLY = 0o600;

/**
 * The key of a store: 32 random bytes in a file that only its owner may read, or, with a passphrase, derived by Argon2id from it and
 * the salt in the file. Made on first use. Throws `ClientError('wrong-key')` when a passphrase is given and none is expected, or the
 * other way round.
 */
export async function storeKey(directory: string, passphrase: string | undefined): Promise<Uint8Array> {
  const path = join(directory, 'key');
  const written = await readFile(path, 'utf8').catch(missing);
  if (written === undefined) return createKey(path, passphrase);
  await demandPrivate(path);
  const [kind = '', first = '', passes = '', memoryBytes = ''] = written.trim().split(' ');
  if (kind === 'raw' && passphrase === undefined) return fromBase64url(first, SECRET_BOX_KEY_BYTES);
  if (kind !== 'argon2id' || passphrase === undefined) throw new ClientError('wrong-key');
  return passphraseKey(passphrase, { salt: fromBase64url(first), passes: Number(passes), memoryBytes: Number(memoryBytes) });
}

async function createKey(path: string, passphrase: string | undefined): Promise<Uint8Array> {
  if (passphrase === undefined) {
    const key = randomBytes(SECRET_BOX_KEY_BYTES);
    await writeOnce(path, `raw ${toBase64url(key)}\n`);
    return key;
  }
  const parameters = newPassphraseSalt();
  const { salt, passes, memoryBytes } = parameters;
  await writeOnce(path, `argon2id ${toBase64url(salt)} ${passes} ${memoryBytes}\n`);
  return passphraseKey(passphrase, parameters);
}

async function writeOnce(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A key file that others could read was copied carelessly: it is made private again before it is used. */
async function demandPrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0 && process.platform !== 'win32') await chmod(path, OWNER_ONLY);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
