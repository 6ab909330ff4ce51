import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';

/**
 * One kept connection over which finished requests are sent, one after the other: the load shares its two cores with what it measures, so
 * it does nothing that a request does not need.
 */
export class RawHttp {
  readonly #socket: Socket;
  #received = '';
  #settle: { resolve(answer: string): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#read(chunk));
    socket.on('close', () => this.#settle?.reject(new Error('the connection ended')));
  }

  static async open(port: number): Promise<RawHttp> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawHttp(socket);
  }

  /** Throws with the answer unless it is 200. */
  async send(request: Buffer): Promise<void> {
    const answer = await new Promise<string>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
    if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(answer);
  }
  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#received += chunk;
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const length = /^content-length: (\d+)\r?$/im.exec(this.#received.slice(0, end))?.[1];
    if (length === undefined) return this.#settle?.reject(new Error(`an answer without a length: ${this.#received}`));
    if (this.#received.length < end + HEAD_END.length + Number(length)) return;
    const answer = this.#received;
    this.#received = '';
    this.#settle?.resolve(answer);
  }
}

export function postRequest(path: string, { port, token, body }: { port: number; token: string; body: object }): Buffer {
  const text = JSON.stringify(body);
  const head = [`POST ${path} HTTP/1.1`, `Host: localhost:${port}`, `Authorization: Bearer ${token}`];
  const length = Buffer.byteLength(text);
  return Buffer.from([...head, 'Content-Type: application/json', `Content-Length: ${length}`, '', text].join('\r\n'));
}
