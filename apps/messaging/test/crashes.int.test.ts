// Real: PostgreSQL, nats-server, and two processes of the service, one of which is killed again and again while people write.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, type Input } from '@rialto/contracts';
import { testTokenKeys } from '@rialto/service/testing';
import type { Person } from './people.ts';
import { operations, underNewId, World } from './world.ts';

const PAIRS = 4;
const WRITERS = 6;
const KILLS = 4;
const KILL_EVERY_MS = 900;
/** Every so often the same message is sent twice at once. */
const TWICE_EVERY = 7;
const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

let world: World;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  world = await World.start({ replicas: 0 });
  processes.push(await startProcess(), await startProcess());
}, 60_000);
afterAll(async () => {
  for (const each of processes) {
    each.kill('SIGKILL');
    await once(each, 'exit');
  }
  await world.stop();
});

async function startProcess(): Promise<ChildProcess> {
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    RIALTO_NATS_URL: world.nats.url,
    RIALTO_NATS_SEED: world.nats.seedOf('messaging'),
    RIALTO_DATABASE_URL: world.database.url('messaging'),
    RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
  };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => void (chunk.includes('"ready"') && resolve()));
    child.once('exit', (status) => reject(new Error(`the service ended with ${status}`)));
  });
  return child;
}

/** Sends until it is acknowledged, whatever goes wrong on the way, as a client does. */
async function sendUntilAcknowledged(input: Input<typeof operations.sendMessage>, by: Person): Promise<number> {
  for (;;) {
    try {
      return (await world.call(operations.sendMessage, input, by, { timeoutMs: 1_500 })).seq;
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) throw error;
      await sleep(50);
    }
  }
}

test('what was acknowledged is stored once under its number, whoever dies', async () => {
  const pairs: { ana: Person; sealed: Input<typeof operations.sendMessage> }[] = [];
  for (let count = 0; count < PAIRS; count += 1) {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    pairs.push({ ana, sealed: await world.sealed(await world.acceptedDm(ana, ben), ana.first) });
  }
  const acknowledged = new Map<string, number>();
  let isLoading = true;
  const writers = pairs.flatMap(({ ana, sealed }) =>
    Array.from({ length: WRITERS }, async () => {
      for (let count = 0; isLoading; count += 1) {
        const input = underNewId(sealed);
        const copies = Array.from({ length: count % TWICE_EVERY === 0 ? 2 : 1 }, () => sendUntilAcknowledged(input, ana));
        const numbers = new Set(await Promise.all(copies));
        expect(numbers.size).toBe(1);
        acknowledged.set(input.clientMessageId, [...numbers][0] ?? 0);
      }
    }),
  );
  for (let kills = 0; kills < KILLS; kills += 1) {
    await sleep(KILL_EVERY_MS);
    const victim = processes[kills % 2];
    victim?.kill('SIGKILL');
    if (victim !== undefined) await once(victim, 'exit');
    processes[kills % 2] = await startProcess();
  }
  isLoading = false;
  await Promise.all(writers);

  const { rows } = await world.database.admin.query<{ id: string; seq: string }>(
    'select client_message_id as id, seq from messaging.message where not is_commit',
  );
  const stored = new Map(rows.map(({ id, seq }) => [id, Number(seq)]));
  expect(rows).toHaveLength(stored.size);
  expect(stored.size).toBeGreaterThan(KILLS * WRITERS);
  expect(stored).toEqual(acknowledged);
  const gaps = await world.one<number>(
    `select count(*)::int from (select conversation_id, count(*) as rows, max(seq) as top from messaging.message group by 1) m
     join messaging.conversation c using (conversation_id) where m.rows <> m.top or m.top <> c.last_seq`,
  );
  expect(gaps).toBe(0);
}, 180_000);
