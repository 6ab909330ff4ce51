import type { Subscription } from '@nats-io/transport-node';
import { pushSubjectOf, readPush, textOf, type NatsLink } from '@rialto/service';

export interface PushReceiver {
  readonly deviceId: string;
  handlePush(json: string): void;
}
interface Account {
  readonly receivers: Set<PushReceiver>;
  readonly subscription: Subscription;
}

/** One NATS subscription for each account with a session here, however many devices it has. */
export class Pushes {
  readonly #link: NatsLink;
  readonly #accounts = new Map<string, Account>();
  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** Resolves once nothing that is pushed from now on is missed. */
  async add(accountId: string, receiver: PushReceiver): Promise<void> {
    const known = this.#accounts.get(accountId);
    if (known !== undefined) known.receivers.add(receiver);
    else this.#accounts.set(accountId, this.#subscribe(accountId, receiver));
    // Even a known account's subscription may still be on its way.
    await this.#link.flush();
  }

  delete(accountId: string, receiver: PushReceiver): void {
    const known = this.#accounts.get(accountId);
    if (!known?.receivers.delete(receiver) || known.receivers.size > 0) return;
    known.subscription.unsubscribe();
    this.#accounts.delete(accountId);
  }

  receiversOf(accountId: string): ReadonlySet<PushReceiver> {
    return this.#accounts.get(accountId)?.receivers ?? new Set();
  }

  #subscribe(accountId: string, first: PushReceiver): Account {
    const receivers = new Set([first]);
    const subscription = this.#link.connection.subscribe(pushSubjectOf('*', accountId), {
      callback: (error, message) => void (error ?? deliver(message.subject, textOf(message.data), receivers)),
    });
    return { receivers, subscription };
  }
}

function deliver(subject: string, text: string, receivers: ReadonlySet<PushReceiver>): void {
  const { deviceId, json } = readPush(text);
  const [, service = ''] = subject.split('.');
  // NATS vouches for the service in the subject; an event of another service's name is forged.
  if (!json.startsWith(`{"event":"${service}.`)) return;
  for (const receiver of receivers) if (deviceId === undefined || receiver.deviceId === deviceId) receiver.handlePush(json);
}
