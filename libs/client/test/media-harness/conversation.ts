import type { AccountId, ConversationId, DeviceId } from '@rialto/contracts';
import type { CallConversation } from '../../src/calls/ports.ts';

export type Name = 'ana' | 'ben';
export const accountOf = (name: Name) => name as unknown as AccountId;
export const deviceOf = (name: Name) => `${name}-device` as unknown as DeviceId;
const LEAVES: Readonly<Record<Name, number>> = { ana: 0, ben: 1 };

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/**
 * A conversation of two for tests of media. "Sealing" only names the sender, as the group would prove it: MLS has its own tests, and here
 * the test wants to read and change what travels. Media keys are hashes of a secret that both have, or have not.
 */
export class HarnessConversation implements CallConversation {
  readonly id = 'cnv_harness' as unknown as ConversationId;
  readonly peer: AccountId;
  readonly leafIndex: number;
  readonly standing = 'accepted' as const;
  epoch = 1;
  /** What `catchUp` finds in the log. */
  logEpoch = 1;
  readonly #name: Name;
  readonly #secret: string;
  readonly #peerKeyDelayMs: number;
  readonly #listeners = new Set<(epoch: number) => void>();

  constructor({ name, secret, peerKeyDelayMs = 0 }: { name: Name; secret: string; peerKeyDelayMs?: number | undefined }) {
    this.#name = name;
    this.#peerKeyDelayMs = peerKeyDelayMs;
    this.#secret = secret;
    this.peer = accountOf(name === 'ana' ? 'ben' : 'ana');
    this.leafIndex = LEAVES[name];
  }

  async sealEphemeral(plaintext: Uint8Array): Promise<Uint8Array> {
    return text({ from: this.#name, plaintext: new TextDecoder().decode(plaintext) });
  }
  async openEphemeral(sealed: Uint8Array) {
    const { from, plaintext } = JSON.parse(new TextDecoder().decode(sealed)) as { from: Name; plaintext: string };
    const sender = { accountId: accountOf(from), deviceId: deviceOf(from), leafIndex: LEAVES[from] };
    return { sender, epoch: this.epoch, plaintext: new TextEncoder().encode(plaintext) };
  }
  async mediaKey({ callId, leafIndex, instance }: { callId: string; leafIndex: number; instance: Uint8Array }) {
    const { epoch } = this;
    if (leafIndex !== this.leafIndex) await new Promise((resolve) => setTimeout(resolve, this.#peerKeyDelayMs));
    const context = text([this.#secret, epoch, callId, leafIndex, [...instance]]);
    return { epoch, key: new Uint8Array(await crypto.subtle.digest('SHA-512', context)) };
  }
  async catchUp(): Promise<void> {
    this.enter(this.logEpoch);
  }
  demandTrust(): void {}
  onEpoch(handler: (epoch: number) => void): () => void {
    this.#listeners.add(handler);
    return () => this.#listeners.delete(handler);
  }
  enter(epoch: number): void {
    if (epoch <= this.epoch) return;
    this.epoch = epoch;
    this.logEpoch = Math.max(epoch, this.logEpoch);
    for (const listener of this.#listeners) listener(epoch);
  }
}
