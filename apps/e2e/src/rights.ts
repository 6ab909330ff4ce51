import { CONTRACTS, type CallId, type ErrorCode, type SignedBody } from '@rialto/contracts';
import { revokeDevice, toBase64url } from '@rialto/crypto';
import type { Scene } from './scene.ts';
import { sealed, wire } from './dm.ts';
import { intentOf } from './money.ts';
import { newClaimId, newestEntry, newHandle, newId, newMessageId } from './person.ts';

/**
 * What somebody may do with an operation when they send what Ana may send. A code: refused, and nothing changes. `own`: it works, and means
 * the caller's own things. `public`: everybody signed in may know it. `party`: the caller has the same right as Ana.
 */
export type Verdict = ErrorCode | 'own' | 'public' | 'party';
export interface Right {
  /** What Ana, who may, sends. */
  readonly input: (scene: Scene) => object | Promise<object>;
  /** Somebody signed in who has nothing to do with her. */
  readonly stranger: Verdict;
  /** Ben, with whom she shares a conversation, a call and a payment. */
  readonly other: Verdict;
  /** Only for what anyone may call: somebody without a session. */
  readonly anonymous?: Verdict;
}

const conversation = ({ dm }: Scene) => ({ conversationId: dm.id });
const call = ({ callId }: Scene) => ({ callId });
const everybody = { stranger: 'public', other: 'public' } as const;
const themselves = { stranger: 'own', other: 'own' } as const;
const members = { stranger: 'not-a-member', other: 'party' } as const;
const parties = { stranger: 'not-found', other: 'party' } as const;
const nobodyElse = { stranger: 'not-found', other: 'not-found' } as const;

/** Who may do what. A new operation needs a line here, or the test of this table fails. */
export const RIGHTS: Readonly<Record<string, Right>> = {
  'identity.createAccount': {
    // Repeating it is harmless: it proves nothing and changes nothing. (Ben's chain still is what it began as.)
    input: ({ ben }) => ({ accountId: ben.id, chain: toBase64url(ben.chain.bytes) }),
    ...everybody,
    anonymous: 'public',
  },
  'identity.getAccount': { input: ({ ana }) => ({ accountId: ana.id }), ...everybody },
  'identity.setProfile': { input: () => ({ displayName: 'Somebody' }), ...themselves },
  'identity.checkHandle': { input: ({ ana }) => ({ handle: ana.handle }), ...everybody, anonymous: 'public' },
  'identity.findHandle': { input: ({ ana }) => ({ handle: ana.handle }), ...everybody },
  'identity.claimHandle': {
    input: ({ ana }) => ({ accountId: ana.id, handle: newHandle('more') }),
    stranger: 'forbidden',
    other: 'forbidden',
  },
  'identity.createChallenge': { input: () => ({}), ...everybody, anonymous: 'public' },
  'identity.createSession': {
    input: async ({ ana, eve }) => sessionSignedBy(eve.first, ana),
    stranger: 'signature-invalid',
    other: 'signature-invalid',
    anonymous: 'signature-invalid',
  },
  'identity.listDevices': { input: () => ({}), ...themselves },
  'identity.appendToChain': {
    input: ({ ana }) => ({ accountId: ana.id, entry: newestEntry(revokeDevice(ana.chain, ana.first.id, ana.first.signer)) }),
    stranger: 'forbidden',
    other: 'forbidden',
  },
  'identity.publishKeyPackages': {
    input: async ({ ana }) => ({ keyPackages: [toBase64url((await ana.first.keyPackage()).publicBytes)] }),
    stranger: 'key-package-invalid',
    other: 'key-package-invalid',
  },
  'identity.countKeyPackages': { input: () => ({}), ...themselves },
  'identity.claimKeyPackages': { input: ({ carl }) => ({ accountId: carl.id, claimId: newClaimId() }), ...themselves },

  'messaging.createDm': {
    input: ({ draft, carl }) => ({
      conversationId: draft.id,
      peer: carl.id,
      initialGroupInfo: toBase64url(draft.initialGroupInfo),
      clientMessageId: newMessageId(),
      epoch: 0,
      ...wire(draft.bundle),
    }),
    stranger: 'commit-refused',
    other: 'commit-refused',
  },
  'messaging.listConversations': { input: () => ({}), ...themselves },
  'messaging.getConversation': { input: conversation, ...members },
  'messaging.findDm': { input: ({ ben }) => ({ peer: ben.id }), ...themselves },
  'messaging.acceptConversation': { input: conversation, ...members },
  'messaging.blockAccount': { input: ({ carl }) => ({ accountId: carl.id }), ...themselves },
  'messaging.unblockAccount': { input: ({ carl }) => ({ accountId: carl.id }), ...themselves },
  'messaging.listBlocks': { input: () => ({}), ...themselves },
  'messaging.commit': {
    input: ({ dm, commit }) => ({ conversationId: dm.id, clientMessageId: newMessageId(), epoch: 1, ...wire(commit) }),
    stranger: 'not-a-member',
    // The server cannot see the membership tag, so the device that calls must be the leaf that signed.
    other: 'commit-refused',
  },
  'messaging.getGroupInfo': { input: conversation, ...members },
  'messaging.listWelcomes': { input: () => ({}), ...themselves },
  'messaging.sendMessage': { input: ({ dm, ana }) => sealed(dm, ana, 'hello'), ...members },
  'messaging.listMessages': { input: ({ dm }) => ({ conversationId: dm.id, after: 0 }), ...members },
  'messaging.acknowledge': { input: ({ dm }) => ({ conversationId: dm.id, upTo: 1 }), ...members },

  'calls.startCall': {
    input: ({ dm, ben }) => ({ callId: newId<CallId>('cal'), conversationId: dm.id, callee: ben.id, media: 'audio' }),
    stranger: 'not-reachable',
    other: 'not-reachable',
  },
  'calls.confirmRinging': { input: call, ...parties },
  'calls.answerCall': { input: call, ...parties },
  'calls.confirmConnected': { input: call, ...parties },
  'calls.endCall': { input: ({ callId }) => ({ callId, reason: 'hung-up' }), ...parties },
  'calls.getCall': { input: call, ...parties },
  'calls.listCalls': { input: () => ({}), ...themselves },
  'calls.sendSignal': { input: ({ callId }) => ({ callId, bytes: 'c2VhbGVk' }), ...parties },
  'calls.getIceServers': { input: call, ...parties },

  'payments.getWallet': { input: () => ({}), ...themselves },
  'payments.transfer': { input: ({ ana, ben }) => intentOf(ana, ben, 1n), stranger: 'intent-invalid', other: 'intent-invalid' },
  'payments.getStatement': { input: () => ({ currency: 'EUR', after: 0 }), ...themselves },
  'payments.getReceipt': { input: ({ transferId }) => ({ transferId }), ...parties },
  'payments.createTopUp': {
    input: ({ topUpId }) => ({ topUpId, currency: 'EUR', amountMinor: '5000' }),
    stranger: 'conflict',
    other: 'conflict',
  },
  'payments.getTopUp': { input: ({ topUpId }) => ({ topUpId }), ...nobodyElse },
};

/** A session request for Ana's device with everything right but the key that signs it. */
async function sessionSignedBy(signer: Scene['eve']['first'], { id, first, system }: Scene['ana']): Promise<SignedBody> {
  const { nonce } = await signer.call(CONTRACTS.identity.operations.createChallenge, {});
  const request = { accountId: id, deviceId: first.id, origin: system.url, nonce, at: new Date().toISOString() };
  return signer.signedBody('session', request);
}
