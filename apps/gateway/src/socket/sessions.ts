import { AppError } from '@rialto/contracts';
import type { NatsLink, RevokedDevice, Session as TokenSession } from '@rialto/service';
import { Pushes } from './pushes.ts';
import { SocketSession, type Carrier } from './session.ts';

/** Sockets that one account may have open at this gateway. */
export const MAX_SOCKETS_PER_ACCOUNT = 20;

/** All sessions of this gateway, with a socket or waiting for it to come back. */
export class Sessions {
  readonly #sessions = new Map<string, SocketSession>();
  readonly #pushes: Pushes;

  constructor(link: NatsLink) {
    this.#pushes = new Pushes(link);
  }

  get size(): number {
    return this.#sessions.size;
  }

  hasRoomFor(accountId: string): boolean {
    const open = [...this.#pushes.receiversOf(accountId)].filter((each) => !(each as SocketSession).isLeft);
    return open.length < MAX_SOCKETS_PER_ACCOUNT;
  }

  /** A new session. What the device left behind is given up: it will read the logs. Throws `unavailable` when it cannot be just now. */
  async open({ accountId, deviceId }: TokenSession): Promise<SocketSession> {
    for (const each of this.#of({ accountId, deviceId })) if (each.isLeft) this.delete(each);
    const session = new SocketSession({ accountId, deviceId }, (lost) => this.delete(lost));
    this.#sessions.set(session.id, session);
    await this.#pushes.add(accountId, session);
    // It ended before it began: its device was revoked, or NATS was away. A socket on it would wait for pushes in vain.
    if (!this.#sessions.has(session.id)) throw new AppError('unavailable');
    return session;
  }

  /** The session that a socket wants to go on with, when it is its own and everything that it has not seen is still held. */
  resume({ accountId, deviceId }: TokenSession, sessionId: string, lastSeq: number): SocketSession | undefined {
    const session = this.#sessions.get(sessionId);
    const isOwn = session?.accountId === accountId && session.deviceId === deviceId;
    return isOwn && session.resumeAfter(lastSeq) ? session : undefined;
  }

  delete(session: SocketSession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#pushes.delete(session.accountId, session);
  }

  sweep(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      if (session.isOver(nowMs)) this.delete(session);
      else session.pump();
    }
  }

  /** A revoked device is off at once. */
  revoke(device: RevokedDevice): void {
    for (const session of this.#of(device)) this.#end(session, 4003);
  }
  /** Pushes may have been missed: every client comes back and reads its logs. */
  endAll(): void {
    for (const session of this.#sessions.values()) this.#end(session, 4007);
  }

  #end(session: SocketSession, code: 4003 | 4007): void {
    const carrier: Carrier | undefined = session.carrier;
    this.delete(session);
    carrier?.close(code);
  }
  #of({ accountId, deviceId }: RevokedDevice): SocketSession[] {
    return [...this.#pushes.receiversOf(accountId)].filter((each) => each.deviceId === deviceId) as SocketSession[];
  }
}
