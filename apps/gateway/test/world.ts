import type { RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testTokenKeys,
  type TestDatabase,
  type TestNats,
} from '@rialto/service/testing';
import { gatewayConfig } from '../src/config.ts';
import { startGateway, type RunningGateway } from '../src/gateway.ts';
import { standInMessaging, standInPayments, standInTables } from './stand-in.ts';

export const ORIGIN = 'http://rialto.test:7420';

export interface World {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  readonly gateway: RunningGateway;
  readonly services: readonly RunningService[];
  readonly url: string;
  readonly socketUrl: string;
  stop(): Promise<void>;
}

export const gatewayVariables = (nats: TestNats, env: Readonly<Record<string, string>> = {}) => ({
  RIALTO_NATS_URL: nats.url,
  RIALTO_NATS_SEED: nats.seedOf('gateway'),
  RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
  RIALTO_LOG_LEVEL: 'silent',
  RIALTO_PORT: '0',
  RIALTO_ORIGINS: ORIGIN,
  ...env,
});

/** A gateway before stand-ins of two services, on a real NATS and PostgreSQL. */
export async function startWorld(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const [database, nats] = await Promise.all([createTestDatabase(standInTables), startTestNats()]);
  const silent = { RIALTO_LOG_LEVEL: 'silent' };
  const services = await Promise.all([
    startTestService(standInMessaging, { database, nats, env: silent }),
    startTestService(standInPayments, { database, nats, env: silent }),
  ]);
  const gateway = await startGateway(gatewayConfig(gatewayVariables(nats, env)));
  const stop = async () => {
    await gateway.stop();
    for (const service of services) await service.stop();
    await nats.stop();
    await database.drop();
  };
  const host = `127.0.0.1:${gateway.port}`;
  return { database, nats, gateway, services, url: `http://${host}`, socketUrl: `ws://${host}/v1/socket`, stop };
}
