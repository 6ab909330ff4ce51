import { MAX_CHAIN_ENTRIES, Reader } from '@rialto/crypto';

/** The signed entries of a device chain, each as `appendToChain` takes it. */
export function splitChain(bytes: Uint8Array): Uint8Array[] {
  const reader = new Reader(bytes);
  const entries = reader.list(MAX_CHAIN_ENTRIES);
  reader.end();
  return entries;
}
