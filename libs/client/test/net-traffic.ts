/** What leaves this process by UDP, and the names it asks for, while a test looks. */
import dgram from 'node:dgram';
import dns from 'node:dns';

export interface NetTraffic {
  /** Where datagrams went, as `address:port`, each once. */
  readonly destinations: ReadonlySet<string>;
  /** Names whose address was asked for. */
  readonly names: readonly string[];
  stop(): void;
}

export function watchTraffic(): NetTraffic {
  const destinations = new Set<string>();
  const names: string[] = [];
  const { prototype } = dgram.Socket;
  const send = prototype.send as (this: dgram.Socket, ...args: unknown[]) => void;
  // `send(message, [offset, length,] port, address, …)`
  const sent = jest.spyOn(prototype, 'send').mockImplementation(function (this: dgram.Socket, ...args: unknown[]) {
    const [port, address] = typeof args[3] === 'number' ? args.slice(3) : args.slice(1);
    destinations.add(`${String(address)}:${String(port)}`);
    send.apply(this, args);
  } as never);
  const asked = jest.spyOn(dns.promises, 'lookup').mockImplementation((async (name: string) => {
    names.push(name);
    throw Object.assign(new Error('no name is resolved in this test'), { code: 'ENOTFOUND' });
  }) as never);
  return {
    destinations,
    names,
    stop: () => {
      sent.mockRestore();
      asked.mockRestore();
    },
  };
}
