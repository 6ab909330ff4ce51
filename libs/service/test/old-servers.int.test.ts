import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { checkServer } from '../src/database.ts';
import { connectNats, logger } from '../src/index.ts';
import { createTestDatabase, newSeeds, type TestDatabase } from '../src/testing/index.ts';

const seed = newSeeds().get('gateway') ?? '';
const log = logger('test', 'silent');

/** Speaks as much of NATS's protocol as a client needs to connect, and says that it is whatever version it is told to be. */
class OldNats {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  version: string;

  private constructor(version: string) {
    this.version = version;
    this.#server = createServer((socket) => this.#greet(socket));
  }
  static async start(version: string): Promise<OldNats> {
    const nats = new OldNats(version);
    await new Promise<void>((resolve) => nats.#server.listen(0, '127.0.0.1', resolve));
    return nats;
  }
  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  /** Loses everybody, as a server does that is replaced by another one. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
  async stop(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
    const info = { server_id: 'OLD', version: this.version, proto: 1, headers: true, max_payload: 1_048_576, nonce: 'nonce' };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (data) => {
      if (data.includes('PING\r\n')) socket.write('PONG\r\n');
    });
  }
}

describe('nats-server', () => {
  let nats: OldNats;
  afterEach(() => nats.stop());
  const connect = () => connectNats('gateway', { url: nats.url, seed, log });

  test.each(['2.9.10', '2.12.6', '1.4.1'])('version "%s" is refused', async (version) => {
    nats = await OldNats.start(version);
    await expect(connect()).rejects.toThrow(/is not safe to use: update it to 2\.12\.7 or newer/);
  });

  test.each(['2.12.7', '2.14.6', '3.0.0'])('version %s is taken', async (version) => {
    nats = await OldNats.start(version);
    const link = await connect();
    expect(link.isConnected).toBe(true);
    await link.connection.close();
  });

  test('a server that comes back older than it left is left for good', async () => {
    nats = await OldNats.start('2.14.6');
    const link = await connect();
    nats.version = '2.9.10';
    nats.dropAll();
    await link.connection.closed();
    expect(link.isConnected).toBe(false);
  }, 10_000);
});

describe('PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createTestDatabase([{ name: 'calls', migrationsDir: 'none' }])), 60_000);
  afterAll(() => database.drop());

  /** A connection to the real server on which a function of ours, found before the system's, says another version. */
  async function disguisedAs(version: number): Promise<pg.Pool> {
    await database.admin.query(`create schema if not exists disguise;
      create or replace function disguise.current_setting(name text) returns text stable language sql as
        $$ select case name when 'server_version_num' then '${version}' else pg_catalog.current_setting(name) end $$;
      grant usage on schema disguise to calls_app;`);
    return new pg.Pool({ connectionString: database.url('calls'), max: 1, options: '-c search_path=disguise,pg_catalog' });
  }

  test.each([90_624, 150_007, 159_999])('version %s is refused', async (version) => {
    const pool = await disguisedAs(version);
    await expect(checkServer(pool)).rejects.toThrow(`PostgreSQL ${version} is too old: 160000 is the least.`);
    await pool.end();
  });

  test.each([160_000, 180_004])('version %s is taken', async (version) => {
    const pool = await disguisedAs(version);
    await expect(checkServer(pool)).resolves.toBeUndefined();
    await pool.end();
  });
});
