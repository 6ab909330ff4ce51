import { once } from 'node:events';
import WebSocket from 'ws';
import type { ServerFrame } from '@rialto/contracts';

type Op = ServerFrame['op'];
type FrameOf<O extends Op> = Extract<ServerFrame, { op: O }>;
const PATIENCE_MS = 10_000;

/** A socket that keeps what it hears, for a test to look at. */
export class TestSocket {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  closedWith: number | undefined;
  #waiting: (() => void)[] = [];

  constructor(url: string, headers: Record<string, string> = {}) {
    this.ws = new WebSocket(url, { headers });
    this.ws.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as ServerFrame);
      this.#wake();
    });
    this.ws.on('close', (code) => {
      this.closedWith = code;
      this.#wake();
    });
    this.ws.on('error', () => {}); // What follows is `close`, which tests look at.
  }
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  say(frame: object): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** Takes the first frame of a kind that fits, waiting for it. */
  async take<O extends Op>(op: O, fits: (frame: FrameOf<O>) => boolean = () => true): Promise<FrameOf<O>> {
    return this.#until(() => {
      const index = this.frames.findIndex((frame) => frame.op === op && fits(frame as FrameOf<O>));
      return index === -1 ? undefined : (this.frames.splice(index, 1)[0] as FrameOf<O>);
    }, op);
  }
  closed(): Promise<number> {
    return this.#until(() => this.closedWith, 'close');
  }
  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    throw new Error(`no ${what} came; closed with ${String(this.closedWith)}`);
  }

  async open(): Promise<this> {
    if (this.ws.readyState !== WebSocket.OPEN) await once(this.ws, 'open');
    await this.take('hello');
    return this;
  }
  async identify(token: string): Promise<FrameOf<'ready'>> {
    await this.open();
    this.say({ op: 'identify', token });
    return this.take('ready');
  }
  /** Gone without a word, as when a laptop's lid closes. */
  vanish(): void {
    this.ws.terminate();
  }
}

/** The status with which an upgrade is refused, 101 when it is not. */
export async function upgradeStatus(url: string, headers: Record<string, string> = {}): Promise<number> {
  const ws = new WebSocket(url, { headers });
  return new Promise((resolve, reject) => {
    ws.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      ws.terminate();
    });
    ws.on('open', () => {
      resolve(101);
      ws.terminate();
    });
    ws.on('error', reject); // After an answer it changes nothing any more.
  });
}
