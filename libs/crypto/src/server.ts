/**
 * The door for services. What it leads to can hash, verify, sign and judge, and cannot open anything: neither a message, nor a
 * welcome, nor a stored key. A test walks its imports.
 */
export { concat, EncodingError, Reader, utf8, Writer } from './encoding.ts';
export { fromBase64url, hash, HASH_BYTES, randomBytes, randomId, ready, sameBytes, toBase64url } from './primitives.ts';
export {
  newSigningKey,
  PUBLIC_KEY_BYTES,
  sign,
  SIGNATURE_BYTES,
  SIGNATURE_PURPOSES,
  type SignaturePurpose,
  type SigningKey,
  signingKeyFromSeed,
  verify,
} from './signature.ts';
export {
  type CertifiedDevice,
  type Chain,
  type ChainComparison,
  type ChainEntry,
  type ChainOperation,
  ChainError,
  compareChains,
  currentDevices,
  DEVICE_ID_BYTES,
  MAX_CHAIN_BYTES,
  MAX_CHAIN_ENTRIES,
  MAX_DEVICES,
  readChain,
  ROOT_SIGNER,
} from './device-chain.ts';
export { EMPTY_LOG_HASH, type LogRow, nextLogHash } from './message-log.ts';
export { CLASSIC_SUITE, publicClassicSuite, type PublicSuite, publicXwingSuite, XWING_SUITE } from './mls/public-suite.ts';
export type { LeafCredential } from './mls/credential.ts';
export { type Kind, MAX_ACCOUNTS, MAX_LEAVES, type Policy, type Role, type RosterEntry } from './mls/policy.ts';
export type { Refusal } from './mls/refusal.ts';
export { commitPolicy, type Verdict } from './mls/commit-policy.ts';
export { InvalidGroupData, type PublicGroup } from './mls/public-group.ts';
export { type Bundle, type CommitAnswer, type GroupHead, judgeCommit, openGroup, readGroupHead } from './mls/sequencer.ts';
export { readSealedMessage, type SealedMessage } from './mls/sealed-message.ts';
export {
  type CheckedKeyPackage,
  KEY_PACKAGE_LIFETIME_MS,
  KeyPackageError,
  type KeyPackageProblem,
  MAX_KEY_PACKAGE_BYTES,
  readKeyPackage,
  readWelcome,
} from './mls/key-package.ts';
export { MESSAGE_ID_BYTES } from './mls/message-id.ts';
