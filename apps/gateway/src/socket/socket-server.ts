import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError, MAX_SOCKET_FRAME_BYTES, type Bound } from '@rialto/contracts';
import type { PeerKit } from '@rialto/service';
import type { Dispatch } from '../dispatch.ts';
import { rawProblem } from '../fastify.ts';
import { expected } from '../problem.ts';
import { networkOf, type RateLimits } from '../rate-limit.ts';
import { clientAddress, type IsTrusted } from '../trusted-proxies.ts';
import { Connection } from './connection.ts';
import { Sessions } from './sessions.ts';

const PATH = '/v1/socket';
const MAX_SOCKETS = 50_000;
const SWEEP_EVERY_MS = 500;
/** Calls that were accepted may take this long when the process is told to stop. */
const DRAIN_LIMIT_MS = 6_000;
/** Frames over the limit are still read up to twice its size, so that the client hears why; `ws` cuts off what is larger. */
const MAX_READ_BYTES = MAX_SOCKET_FRAME_BYTES * 2;

interface SocketServerDeps {
  readonly peer: PeerKit;
  readonly dispatch: Dispatch;
  readonly limits: RateLimits;
  readonly operations: ReadonlyMap<string, Bound>;
  readonly origins: readonly string[];
  readonly isTrustedProxy: IsTrusted;
}

/** The WebSocket at `/v1/socket`, on the port of everything else. */
export class SocketServer {
  readonly #deps: SocketServerDeps;
  readonly #sessions: Sessions;
  readonly #connections = new Set<Connection>();
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_READ_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  #sweep: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(deps: SocketServerDeps) {
    this.#deps = deps;
    const { link, revocations, metrics } = deps.peer;
    this.#sessions = new Sessions(link);
    revocations.onRevoked((device) => this.#sessions.revoke(device));
    // Pushes were lost while NATS was away, and nobody can say which.
    link.onBack(() => this.#sessions.endAll());
    metrics.gauge('rialto_sockets', 'Open sockets.', () => this.#connections.size);
    metrics.gauge('rialto_socket_sessions', 'Sessions, with a socket or waiting for one.', () => this.#sessions.size);
  }

  listen(server: Server): void {
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#sweep = setInterval(() => this.#sweepAll(Date.now()), SWEEP_EVERY_MS).unref();
  }

  /** Answers the calls that were accepted and closes every socket with "restarting". */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#sweep);
    await Promise.all([...this.#connections].map((connection) => connection.drain(DRAIN_LIMIT_MS)));
    this.#server.close();
  }

  #sweepAll(nowMs: number): void {
    for (const connection of this.#connections) connection.sweep(nowMs);
    this.#sessions.sweep(nowMs);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      const network = networkOf(this.#addressOf(request));
      await this.#admit(request, network);
      this.#server.handleUpgrade(request, socket, head, (webSocket) =>
        this.#accept({ socket: webSocket, stream: socket, network }),
      );
    } catch (thrown) {
      socket.end(rawProblem(expected(thrown, this.#deps.peer.log, 'upgrade')));
    }
  }

  async #admit({ url = '', headers }: IncomingMessage, network: string): Promise<void> {
    if (url.split('?')[0] !== PATH) throw new AppError('not-found');
    // Programs send no Origin; a browser always does, and only our own pages may open a socket from one.
    if (headers.origin !== undefined && !this.#deps.origins.includes(headers.origin)) throw new AppError('origin-refused');
    if (this.#isStopping || this.#connections.size >= MAX_SOCKETS) throw new AppError('unavailable');
    await this.#deps.limits.sockets.take(network);
  }

  #accept(carried: { readonly socket: WebSocket; readonly stream: Duplex; readonly network: string }): void {
    const { peer, dispatch, operations } = this.#deps;
    const { tokens, log } = peer;
    const connection = new Connection(carried, { dispatch, tokens, sessions: this.#sessions, operations, log });
    this.#connections.add(connection);
    carried.socket.on('close', () => {
      this.#connections.delete(connection);
      connection.handleClosed(Date.now());
    });
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    const forwarded = headers['x-forwarded-for'];
    return clientAddress(
      socket.remoteAddress ?? '',
      forwarded === undefined ? undefined : String(forwarded),
      this.#deps.isTrustedProxy,
    );
  }
}
