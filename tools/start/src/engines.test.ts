import { existsSync } from 'node:fs';

/** An engine at an address of the operator's own: nothing is looked for, fetched or started. */
interface Brought {
  readonly url?: string;
  readonly urls?: string[];
  readonly secret?: string;
  readonly keeper?: unknown;
  stop(): Promise<void>;
}
interface Engines {
  bringUpPostgres(options: object): Promise<Brought>;
  bringUpNats(options: object): Promise<Brought>;
  bringUpTurn(options: object): Promise<Brought>;
}

let engines: Engines;
beforeAll(async () => {
  const file = './engines.mjs'; // Plain JavaScript without types of its own.
  engines = (await import(file)) as Engines;
});

const nowhere = '/nowhere-at-all';
const paths = { postgres: `${nowhere}/postgres`, logs: `${nowhere}/logs`, natsConfig: `${nowhere}/nats.conf` };
/** Whatever would start an engine after all. */
const onStarted = () => {
  throw new Error('an engine was started');
};
const missing = { missing: true, why: ['it is not on PATH'], help: 'fetch it' };

test('the addresses in the environment go before every program', async () => {
  const said: string[] = [];
  const options = { paths, onStarted, say: (line: string) => said.push(line), program: missing, secret: 'ours' };
  const env = {
    RIALTO_POSTGRES_URL: 'postgres://db.example/rialto',
    RIALTO_NATS_URL: 'nats://bus.example:4222',
    RIALTO_TURN_URLS: 'turn:relay.example:3478?transport=udp,turn:relay.example:3478?transport=tcp',
    RIALTO_TURN_SECRET: 'theirs',
  };
  const postgres = await engines.bringUpPostgres({ ...options, env });
  const nats = await engines.bringUpNats({ ...options, env });
  const turn = await engines.bringUpTurn({ ...options, env });
  expect([postgres.url, nats.url]).toEqual([env.RIALTO_POSTGRES_URL, env.RIALTO_NATS_URL]);
  expect(turn).toMatchObject({ urls: env.RIALTO_TURN_URLS.split(','), secret: 'theirs' });
  expect([postgres.keeper, nats.keeper, turn.keeper]).toEqual([undefined, undefined, undefined]);
  expect(said).toEqual([expect.stringContaining('RIALTO_POSTGRES_URL'), expect.stringContaining(paths.natsConfig)]);
  // What is not ours is not stopped either.
  await Promise.all([postgres, nats, turn].map((engine) => engine.stop()));
  expect(existsSync(nowhere)).toBe(false);
});

test('without an address and without a program the start says which engine is missing, why, and what helps', async () => {
  const options = { paths, onStarted, say: () => {}, program: missing, env: {} };
  await expect(engines.bringUpNats(options)).rejects.toThrow(
    'nats-server cannot be had (it is not on PATH). This helps: fetch it',
  );
});
