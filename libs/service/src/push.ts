import type { BoundEvent, Payload, ServiceName } from '@rialto/contracts';
import type { NatsLink } from './nats-connection.ts';
import { idOf, pushSubjectOf, REVOKED_SUBJECT } from './subjects.ts';

/** A push for one device begins with the device's id, a push for all of an account's devices with the JSON itself. */
const DEVICE_ID_CHARS = 22;

/** Takes a push apart without parsing its JSON: `{"event":"messaging.message","payload":…}`. */
export function readPush(text: string): { readonly deviceId: string | undefined; readonly json: string } {
  if (text.startsWith('{')) return { deviceId: undefined, json: text };
  return { deviceId: text.slice(0, DEVICE_ID_CHARS), json: text.slice(DEVICE_ID_CHARS) };
}

/**
 * Tells connected devices what happened. Fire and forget, after the commit: a lost push costs time and no data, since whoever
 * reconnects or sees a gap reads the log.
 */
export class Push {
  readonly #link: NatsLink;
  readonly #isChecked: boolean;
  constructor(link: NatsLink, { isChecked }: { isChecked: boolean }) {
    this.#link = link;
    this.#isChecked = isChecked;
  }

  toAccount<E extends BoundEvent>(event: E, accountId: string, payload: Payload<E>): void {
    this.#publish(accountId, this.#textOf(event, payload));
  }

  /** The same push for many accounts, made once. */
  toAccounts<E extends BoundEvent>(event: E, accountIds: Iterable<string>, payload: Payload<E>): void {
    const text = this.#textOf(event, payload);
    for (const accountId of accountIds) this.#publish(accountId, text);
  }

  toDevice<E extends BoundEvent>(event: E, accountId: string, deviceId: string, payload: Payload<E>): void {
    if (deviceId.length !== DEVICE_ID_CHARS) throw new RangeError('A device id has 22 characters.');
    this.#publish(accountId, deviceId + this.#textOf(event, payload));
  }

  /** Identity only: the device's tokens are worthless from now on. */
  revoked(accountId: string, deviceId: string): void {
    if (this.#link.isConnected) this.#link.publish(REVOKED_SUBJECT, JSON.stringify({ accountId, deviceId }));
  }

  #textOf<E extends BoundEvent>(event: E, payload: Payload<E>): string {
    if (event.service !== this.#link.peer) throw new Error(`${idOf(event)} is not an event of ${this.#link.peer}`);
    if (this.#isChecked) event.payload.parse(payload);
    return JSON.stringify({ event: idOf(event), payload });
  }

  #publish(accountId: string, text: string): void {
    if (!this.#link.isConnected) return;
    this.#link.publish(pushSubjectOf(this.#link.peer as ServiceName, accountId), text);
  }
}
