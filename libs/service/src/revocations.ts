import { TOKEN_LIFETIME_MS } from '@rialto/contracts';
import type { Logger } from './log.ts';
import type { NatsLink } from './nats-connection.ts';
import { textOf } from './nats-client.ts';
import { REVOKED_SUBJECT } from './subjects.ts';

const POLL_EVERY_MS = 3_000;
/** A revocation is remembered for as long as a token of that device can live, and a little more for clocks that differ. */
const REMEMBER_MS = TOKEN_LIFETIME_MS + 60_000;

export interface RevokedDevice {
  readonly accountId: string;
  readonly deviceId: string;
}
export type ListRevocations = () => Promise<{ readonly devices: readonly RevokedDevice[] }>;

/** Which devices were revoked while a token of theirs may still be valid. NATS brings the hint at once, the poll brings the truth. */
export class Revocations {
  readonly #until = new Map<string, number>();
  readonly #listeners = new Set<(device: RevokedDevice) => void>();
  readonly #log: Logger;
  #list: ListRevocations | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = true;
  #isPollFailing = false;

  constructor(link: NatsLink, log: Logger) {
    this.#log = log;
    link.connection.subscribe(REVOKED_SUBJECT, {
      callback: (error, message) => void (error ?? this.add(JSON.parse(textOf(message.data)) as RevokedDevice)),
    });
  }

  isRevoked({ accountId, deviceId }: RevokedDevice): boolean {
    return this.#until.size > 0 && this.#until.has(keyOf({ accountId, deviceId }));
  }

  onRevoked(listener: (device: RevokedDevice) => void): void {
    this.#listeners.add(listener);
  }

  add(device: RevokedDevice): void {
    const isNew = !this.isRevoked(device);
    this.#until.set(keyOf(device), Date.now() + REMEMBER_MS);
    if (isNew) for (const listener of this.#listeners) listener(device);
  }

  /** Asks now, and then every three seconds until `stop`. */
  async poll(list: ListRevocations): Promise<void> {
    this.#list = list;
    await this.#pollOnce();
  }
  stop(): void {
    this.#isPolling = false;
    clearTimeout(this.#timer);
  }

  async #pollOnce(): Promise<void> {
    try {
      for (const device of (await this.#list?.())?.devices ?? []) this.add(device);
      this.#isPollFailing = false;
    } catch (error) {
      if (!this.#isPollFailing)
        this.#log.warn(
          { code: (error as { code?: unknown }).code },
          'identity does not say which devices are revoked; asking again',
        );
      this.#isPollFailing = true;
    }
    for (const [key, until] of this.#until) if (until < Date.now()) this.#until.delete(key);
    if (this.#isPolling) this.#timer = setTimeout(() => void this.#pollOnce(), POLL_EVERY_MS).unref();
  }
}

const keyOf = ({ accountId, deviceId }: RevokedDevice): string => `${accountId}/${deviceId}`;
