import { AppError, MAX_CHAIN_BYTES } from '@rialto/contracts';
import {
  type Chain,
  ChainError,
  EncodingError,
  MAX_CHAIN_ENTRIES,
  readChain,
  Reader,
  sameBytes,
  Writer,
} from '@rialto/crypto/server';

/** Verifies a chain that is to start an account: one entry, whose hash is the account's id. Throws `chain-invalid`. */
export function readGenesis(bytes: Uint8Array, accountId: string): Chain {
  const chain = readOrRefuse(bytes);
  if (chain.heads.length !== 1 || chain.account !== accountId) throw new AppError('chain-invalid');
  return chain;
}

/**
 * The stored chain with an entry more. An entry that it holds already is a repeated call and changes nothing. Throws `chain-stale` when
 * another entry has its number, `chain-invalid` when it does not verify as the next one.
 */
export function continueChain(stored: Uint8Array, entry: Uint8Array): { chain: Chain; seq: number; isRepeated: boolean } {
  const entries = entriesOf(stored);
  const seq = seqOf(entry);
  const known = entries[seq];
  if (known !== undefined) {
    if (!sameBytes(known, entry)) throw new AppError('chain-stale', { chainSeq: entries.length - 1 });
    return { chain: readOrRefuse(stored), seq, isRepeated: true };
  }
  if (seq !== entries.length) throw new AppError('chain-invalid');
  const bytes = new Writer().list([...entries, entry]).finish();
  if (bytes.length > MAX_CHAIN_BYTES) throw new AppError('chain-invalid');
  return { chain: readOrRefuse(bytes), seq, isRepeated: false };
}

function readOrRefuse(bytes: Uint8Array): Chain {
  try {
    return readChain(bytes);
  } catch (error) {
    if (error instanceof ChainError) throw new AppError('chain-invalid', undefined, error);
    throw error;
  }
}

function entriesOf(chain: Uint8Array): Uint8Array[] {
  const reader = new Reader(chain);
  const entries = reader.list(MAX_CHAIN_ENTRIES);
  reader.end();
  return entries;
}

/** An entry is a body and its signature, and the body begins with the entry's number in four bytes. */
function seqOf(entry: Uint8Array): number {
  try {
    return new Reader(new Reader(entry).bytes()).number(4);
  } catch (error) {
    if (error instanceof EncodingError) throw new AppError('chain-invalid', undefined, error);
    throw error;
  }
}
