import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findNats, freePort, startNats, startPostgres } from '@rialto/engines';
import { startSystem } from '@rialto/start';

/** A folder that the user PostgreSQL runs as may enter, which is gone at the end. */
function testDir() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rialto-test-'));
  fs.chmodSync(dir, 0o711);
  return { dir, remove: () => fs.rmSync(dir, { recursive: true, force: true }) };
}

/**
 * One PostgreSQL and one NATS for the integration tests:
 * `RIALTO_TEST_POSTGRES_URL` (superuser; a test makes a database of its own), `RIALTO_TEST_NATS_URL` (no authorization), and
 * `RIALTO_TEST_NATS_SERVER`, the program, for tests that start one with permissions of their own.
 */
export async function bringUpEngines() {
  const { dir, remove } = testDir();
  const started = await Promise.allSettled([
    startPostgres({ dataDir: path.join(dir, 'postgres') }),
    findNats().then(async (program) => ({ program, ...(await startNats({ binary: program.path })) })),
  ]);
  const stop = async () => {
    await Promise.all(started.map(({ value }) => value?.stop()));
    remove();
  };
  const failure = started.find(({ status }) => status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  const [postgres, nats] = started.map(({ value }) => value);
  const env = {
    RIALTO_TEST_POSTGRES_URL: postgres.url,
    RIALTO_TEST_NATS_URL: nats.url,
    RIALTO_TEST_NATS_SERVER: nats.program.path,
  };
  return { env, stop };
}

/** The same with the web client, built when it is not up to date. */
export const bringUpSystemWithWeb = (found, signal) => bringUpSystem(found, signal, true);

/**
 * The whole system with two gateways and two messaging services. `RIALTO_E2E_SYSTEM` names a JSON file that always says what runs where:
 * `{ url, gatewayUrls, postgresUrl, natsUrl, dataDir, processes: [{ name, pid }] }`. A test may kill a process by its number; it is started
 * again, as it is for everybody.
 */
export async function bringUpSystem(found, signal, web = false) {
  const { dir, remove } = testDir();
  const lines = [];
  const dataDir = path.join(dir, 'data');
  let system;
  try {
    const replicas = { gateway: 2, messaging: 2 };
    system = await startSystem({ port: await freePort(), dataDir, replicas, signal, web, say: (line) => lines.push(line) });
  } catch (error) {
    console.log(lines.join('\n'));
    remove();
    throw error;
  }
  const env = {
    RIALTO_E2E_SYSTEM: system.stateFile,
    RIALTO_E2E_URL: system.url,
    RIALTO_E2E_GATEWAY_URLS: system.gatewayUrls.join(','),
    RIALTO_E2E_POSTGRES_URL: system.postgresUrl,
    RIALTO_E2E_NATS_URL: system.natsUrl,
    ...(found.chromium?.path && { RIALTO_CHROMIUM: found.chromium.path }),
  };
  return {
    env,
    stop: async () => {
      await system.stop();
      remove();
    },
  };
}
