/** The door for clients: everything of the services' door, and what makes and opens. */
export * from './server.ts';
export { wipe } from './primitives.ts';
export { openSecret, sealSecret, SECRET_BOX_KEY_BYTES, SecretBoxError } from './secret-box.ts';
export { newPassphraseSalt, passphraseKey, type PassphraseSalt } from './passphrase.ts';
export {
  backupKeyOf,
  newRecoveryPhrase,
  parseRecoveryPhrase,
  type PhraseProblem,
  RECOVERY_PHRASE_WORDS,
  RecoveryPhraseError,
  rootKeyOf,
} from './recovery-phrase.ts';
export { addDevice, ChainMissing, Chains, type ChainSigner, newDeviceId, revokeDevice, startChain } from './device-chain.ts';
export { safetyNumber, type SafetyParty } from './safety-number.ts';
export { classicSuite, type Suite, xwingSuite } from './mls/cipher-suite.ts';
export { credentialFor } from './mls/credential.ts';
export { dmPolicy, groupIdOf, groupPolicy, type RosterEdit, selfPolicy } from './mls/policy.ts';
export { type Evidence, leaveStatement } from './mls/evidence.ts';
export { createKeyPackage, type NewKeyPackage, type OwnKeyPackage } from './mls/own-key-package.ts';
export { decodePin, encodePin, type Pin, type PinRefusal } from './mls/pin.ts';
export {
  MAX_PAST_EPOCHS,
  type MessageMark,
  type Opened,
  OpenError,
  type OpenRefusal,
  type Report,
  type Sender,
  verifyReport,
} from './mls/application-message.ts';
export { type CommitRefusal, CommitRefused, type Engine, type Intent, type Received, type Step } from './mls/engine.ts';
export { type GroupSave, GroupStateError, type GroupTree, type StoredGroup, storedAfter } from './mls/group-state.ts';
export { newMessageId } from './mls/message-id.ts';
export { type Entered, Group } from './mls/group.ts';
