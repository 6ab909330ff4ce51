import { randomBytes } from 'node:crypto';
import { SOCKET_RESUME_MS } from '@rialto/contracts';
import { DispatchWindow } from '../domain/dispatch-window.ts';
import type { PushReceiver } from './pushes.ts';

/** What a session needs of the socket that carries it. */
export interface Carrier {
  /** False when the socket has enough to do; the session tries again later. */
  canSend(): boolean;
  send(frame: string): void;
  close(code: 4003 | 4004 | 4005 | 4007): void;
}
interface SessionOwner {
  readonly accountId: string;
  readonly deviceId: string;
}

/** A device's stream of pushes. It outlives its socket for `SOCKET_RESUME_MS`, so that a short loss of the network loses nothing. */
export class SocketSession implements PushReceiver {
  readonly id = randomBytes(16).toString('base64url');
  readonly accountId: string;
  readonly deviceId: string;
  readonly #window = new DispatchWindow();
  readonly #onLost: (session: SocketSession) => void;
  #carrier: Carrier | undefined;
  #wasCarried = false;
  /** A session that is still waiting for its first socket counts from its beginning. */
  #detachedAtMs = Date.now();

  constructor({ accountId, deviceId }: SessionOwner, onLost: (session: SocketSession) => void) {
    this.accountId = accountId;
    this.deviceId = deviceId;
    this.#onLost = onLost;
  }

  get carrier(): Carrier | undefined {
    return this.#carrier;
  }
  /** Its socket is gone. A session whose first socket is only just being let in is not. */
  get isLeft(): boolean {
    return this.#wasCarried && this.#carrier === undefined;
  }
  get seq(): number {
    return this.#window.sent;
  }
  isOver(nowMs: number): boolean {
    return this.#carrier === undefined && nowMs - this.#detachedAtMs > SOCKET_RESUME_MS;
  }

  handlePush(json: string): void {
    if (this.#window.add(json)) return this.pump();
    const carrier = this.#carrier;
    this.#onLost(this);
    carrier?.close(4004);
  }

  /** Sends what may be sent. */
  pump(): void {
    while (this.#carrier?.canSend()) {
      const frame = this.#window.next();
      if (frame === undefined) return;
      this.#carrier.send(frame);
    }
  }

  /** False when the client acknowledges what it never got. */
  acknowledge(upTo: number): boolean {
    const isValid = this.#window.acknowledge(upTo);
    if (isValid) this.pump();
    return isValid;
  }
  get isWaitingForAcknowledgement(): boolean {
    return this.#window.isFull;
  }

  /** Puts the session on a socket; an older socket of the same session is closed. Call `pump` once the client knows. */
  attach(carrier: Carrier): void {
    this.#carrier?.close(4005);
    this.#carrier = carrier;
    this.#wasCarried = true;
  }
  resumeAfter(lastSeq: number): boolean {
    return this.#window.resumeAfter(lastSeq);
  }
  detach(carrier: Carrier, nowMs: number): void {
    if (this.#carrier !== carrier) return;
    this.#carrier = undefined;
    this.#detachedAtMs = nowMs;
  }
}
