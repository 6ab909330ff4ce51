import type { AuthenticationService, Credential } from 'ts-mls';
import { type Chain, type Chains, DEVICE_ID_BYTES } from '../device-chain.ts';
import { EncodingError, Reader, Writer } from '../encoding.ts';
import { fromBase64url, HASH_BYTES, sameBytes, toBase64url } from '../primitives.ts';

/** Who a leaf is: a device of an account, certified by the account's chain as it stood at `chainSeq` (RFC 9420 section 5.3). */
export type LeafCredential = { account: string; device: string; chainSeq: number; chainHead: string };

const VERSION = 1;

/** The credential of a device under the newest entry of its account's chain. */
export function credentialFor(chain: Chain, device: string): LeafCredential {
  const chainSeq = chain.heads.length - 1;
  const chainHead = chain.heads[chainSeq];
  if (chainHead === undefined || !chain.devices[chainSeq]?.has(device)) throw new Error('the chain does not hold this device');
  return { account: chain.account, device, chainSeq, chainHead };
}

/** The name alone, of whatever carries one. */
export const credentialOf = ({ account, device, chainSeq, chainHead }: LeafCredential): LeafCredential => ({
  account,
  device,
  chainSeq,
  chainHead,
});

export function encodeCredential(credential: LeafCredential): Credential {
  const identity = new Writer()
    .number(VERSION, 1)
    .fixed(fromBase64url(credential.account, HASH_BYTES))
    .fixed(fromBase64url(credential.device, DEVICE_ID_BYTES))
    .number(credential.chainSeq, 4)
    .fixed(fromBase64url(credential.chainHead, HASH_BYTES))
    .finish();
  return { credentialType: 'basic', identity };
}

/** Throws `EncodingError` on anything but the one encoding: 85 bytes. */
export function decodeCredential(credential: Credential): LeafCredential {
  if (credential.credentialType !== 'basic') throw new EncodingError('not a basic credential');
  const reader = new Reader(credential.identity);
  if (reader.number(1) !== VERSION) throw new EncodingError('unknown credential version');
  const [account, device] = [toBase64url(reader.fixed(HASH_BYTES)), toBase64url(reader.fixed(DEVICE_ID_BYTES))];
  const [chainSeq, chainHead] = [reader.number(4), toBase64url(reader.fixed(HASH_BYTES))];
  reader.end();
  return { account, device, chainSeq, chainHead };
}

/** Whether the chain has this head at this seq and holds this device with this leaf key there. */
export function certifies(chain: Chain, { account, device, chainSeq, chainHead }: LeafCredential, mlsKey: Uint8Array): boolean {
  const certified = chain.devices[chainSeq]?.get(device);
  return chain.account === account && chain.heads[chainSeq] === chainHead && !!certified && sameBytes(certified.mlsKey, mlsKey);
}

export const isSameDevice = (
  a: Pick<LeafCredential, 'account' | 'device'>,
  b: Pick<LeafCredential, 'account' | 'device'>,
): boolean => a.account === b.account && a.device === b.device;

/**
 * What ts-mls asks about every leaf. The answer follows from the credential alone, because the chain is named by its hash:
 * no clock, no pin, no freshness. A chain that is not here throws `ChainMissing`: the caller fetches it and tries again.
 */
export function authenticationService(chains: Chains): AuthenticationService {
  return {
    async validateCredential(credential, mlsKey) {
      const leaf = decodeCredential(credential);
      return certifies(chains.find(leaf.chainHead), leaf, mlsKey);
    },
  };
}
