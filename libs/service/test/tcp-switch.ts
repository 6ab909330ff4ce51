import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a local port that a test can refuse or freeze: the far end then is away, or takes everything and says nothing. */
export class TcpSwitch {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #state: 'open' | 'refusing' | 'frozen' = 'open';

  static async to(target: number): Promise<TcpSwitch> {
    const way = new TcpSwitch(target);
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve));
    return way;
  }
  private constructor(target: number) {
    this.#server = createServer((near) => this.#pass(near, target));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }
  refuse(): void {
    this.#state = 'refusing';
    for (const socket of this.#sockets) socket.destroy();
  }
  freeze(): void {
    this.#state = 'frozen';
    for (const socket of this.#sockets) socket.pause();
  }
  heal(): void {
    this.#state = 'open';
    for (const socket of this.#sockets) socket.destroy();
  }
  async close(): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(near: Socket, target: number): void {
    if (this.#state === 'refusing') return void near.destroy();
    this.#keep(near);
    if (this.#state === 'frozen') return void near.pause();
    const far = connect(target, '127.0.0.1');
    this.#keep(far);
    near.on('data', (data) => far.write(data)).on('close', () => far.destroy());
    far.on('data', (data) => near.write(data)).on('close', () => near.destroy());
  }
  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
  }
}
