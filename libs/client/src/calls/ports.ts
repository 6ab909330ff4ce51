import type { AccountId, CallId, calls, ConversationId, ConversationView, DeviceId, Payload } from '@rialto/contracts';
import type { Api } from '../transport/api.ts';
import type { MediaEngine } from './media-engine.ts';

export type CallsApi = Api['calls'];
export type SignalPayload = Payload<(typeof calls)['events']['signal']>;

/** Who sealed an ephemeral message: taken from the verified MLS leaf, never from what a server says. */
export interface VerifiedSender {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly leafIndex: number;
}

/** One media key of one epoch. `key` is the SFrame base key; whoever asked owns the array and may wipe it. */
export interface MediaKey {
  readonly epoch: number;
  readonly key: Uint8Array;
}

/** What calls need of a conversation. A call holds nothing else of it. */
export interface CallConversation {
  readonly id: ConversationId;
  readonly peer: AccountId;
  /** `blocked`: this account has blocked the other one. */
  readonly standing: ConversationView['standing'];
  /** The epoch of the group just now, and the leaf of this device in it. */
  readonly epoch: number;
  readonly leafIndex: number;
  /** Throws `ClientError('keys-changed')` while there is an alarm about the other side's keys: then no call is begun or taken. */
  demandTrust(): void;
  /** Seals an application message that is sent outside the log. Persists the ratchet before it returns, as every send does. */
  sealEphemeral(plaintext: Uint8Array): Promise<Uint8Array>;
  /**
   * Opens what the other side's `sealEphemeral` made, reading the log first when it belongs to a newer epoch.
   * Rejects when it does not verify, was seen before, or its epoch cannot be reached.
   */
  openEphemeral(sealed: Uint8Array): Promise<{ sender: VerifiedSender; epoch: number; plaintext: Uint8Array }>;
  /** `MLS-Exporter("Rialto SFrame 1.0", callId ‖ leaf ‖ instance)` of the current epoch. `instance` is 16 bytes. */
  mediaKey(about: { callId: CallId; leafIndex: number; instance: Uint8Array }): Promise<MediaKey>;
  /** Reads the log now: frames of an epoch that this device does not know have arrived. */
  catchUp(): Promise<void>;
  /** Calls back after each new epoch. Returns how to stop. */
  onEpoch(handler: (epoch: number) => void): () => void;
}

/** Timers and randomness, so that tests can own them. */
export interface Surroundings {
  now(): number;
  /** Runs once after `delayMs`; returns how to cancel. */
  after(delayMs: number, run: () => void): () => void;
  random(bytes: number): Uint8Array;
}

/** All that `CallManager` uses. Pushes come in through its `handle…` methods. */
export interface CallPorts {
  readonly api: CallsApi;
  readonly me: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly engine: MediaEngine;
  readonly surroundings: Surroundings;
  conversation(id: ConversationId): Promise<CallConversation>;
  /** Whether the person wants the address hidden from everybody they talk with: then calls go through the relay only. */
  hidesAddress(): boolean;
  /** A failure that no method's caller will see: the client surfaces it as its `problem` event. Never carries keys or SDP. */
  report(problem: { readonly callId: CallId; readonly code: string; readonly cause?: unknown }): void;
}
