import 'reflect-metadata';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { EntitySchema } from 'typeorm';
import type * as z from 'zod';
import { identity, type Handlers, type Service, type ServiceName } from '@rialto/contracts';
import type { AnyHandler } from './answer.ts';
import { processEnvironment } from './config.ts';
import { openDatabase, type Database } from './database.ts';
import { parseEnvironment, ServiceEnvironment } from './environment.ts';
import { storageFailure } from './failure.ts';
import type { Logger } from './log.ts';
import type { OperationMetrics } from './metrics.ts';
import { MIGRATION_TABLE, migrationsDirOf, sqlFilesOf } from './migrations.ts';
import type { Health, NatsClient } from './nats-client.ts';
import { NatsServer } from './nats-server.ts';
import { startPeer, type PeerKit } from './peer.ts';
import { runProcess, withPatience, type Running } from './process.ts';
import { Push } from './push.ts';
import type { ListRevocations } from './revocations.ts';
import { serviceModule } from './service-module.ts';
import { WorkQueue } from './work-queue.ts';

/** What a service is built from. */
export interface Kit {
  readonly log: Logger;
  readonly nats: NatsClient;
  readonly database: Database;
  readonly push: Push;
  readonly work: WorkQueue;
  readonly metrics: OperationMetrics;
}
export interface Built<S> {
  readonly handlers: Handlers<S>;
  /** Ends what `build` began; requests have been answered and the work queue has stopped by then. */
  stop?(): Promise<void>;
}
export interface ServiceDefinition<S extends Service = Service, C extends z.ZodObject = z.ZodObject> {
  readonly contract: S;
  /** The service's own variables, as a `z.object`; `build` gets what it parses to. */
  readonly config: C;
  readonly entities?: readonly EntitySchema[];
  /** Only for services that live elsewhere than in `apps/<name>`. */
  readonly migrationsDir?: string;
  build(kit: Kit, config: z.output<C>): Promise<Built<S>>;
}

/** Keeps the types together: `export const identityService = defineService({ contract: identity, config, build })`. */
export const defineService = <S extends Service, C extends z.ZodObject>(definition: ServiceDefinition<S, C>) => definition;

/** The whole of a service's `main.ts`. Ends with status 1 when the environment, the database or NATS are not as they must be. */
export const runService = <S extends Service, C extends z.ZodObject>(definition: ServiceDefinition<S, C>): Promise<void> =>
  runProcess(definition.contract.name, () => startService(definition, processEnvironment));

export interface RunningService extends Running {
  readonly kit: Kit;
}

/** Starts a service in this process; `stop` answers what it accepted, then lets go of everything. */
export async function startService<S extends Service, C extends z.ZodObject>(
  definition: ServiceDefinition<S, C>,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<RunningService> {
  const { contract, entities = [], config } = definition;
  const environment = parseEnvironment(ServiceEnvironment.extend(config.shape), variables) as ServiceEnvironment;
  const service = contract.name;
  const peer = await startPeer(service, environment);
  let database: Database | undefined;
  try {
    const { RIALTO_DATABASE_URL: url } = environment;
    const isAway = (error: unknown) => storageFailure(error) !== undefined;
    database = await withPatience(() => openDatabase({ url, service, entities, log: peer.log }), isAway);
    return await serve(definition, { peer, database, variables, isProduction: environment.NODE_ENV === 'production' });
  } catch (error) {
    await peer.close();
    await database?.close();
    throw error;
  }
}

interface Ground {
  readonly peer: PeerKit;
  readonly database: Database;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly isProduction: boolean;
}

async function serve<S extends Service, C extends z.ZodObject>(
  definition: ServiceDefinition<S, C>,
  { peer, database, variables, isProduction }: Ground,
): Promise<RunningService> {
  const { contract, config } = definition;
  const { log, link, nats, metrics } = peer;
  const service = contract.name;
  const expected = sqlFilesOf(definition.migrationsDir ?? migrationsDirOf(service)).map(({ name }) => name);
  await mustBeMigrated(database, service, expected);

  const push = new Push(link, { isChecked: !isProduction });
  const work = new WorkQueue(database, log);
  const kit: Kit = { log, nats, database, push, work, metrics };
  const built = await definition.build(kit, parseEnvironment(config, variables));
  const handlers = built.handlers as unknown as Record<string, AnyHandler>;
  await peer.revocations.poll(revocationsOf(service, handlers, nats));

  const server = new NatsServer({ link, service, health: () => healthOf(database, expected) });
  addGauges(kit, server);
  const app = await NestFactory.createMicroservice(serviceModule(contract, handlers, { ...peer }), {
    strategy: server,
    logger: nestLogger(log),
  });
  await app.listen();
  work.start();
  log.info('ready');
  const stop = async () => {
    log.info('stopping');
    await work.stop();
    await app.close();
    await built.stop?.();
    await peer.close();
    await database.close();
    log.info('stopped');
  };
  return { kit, stop };
}

/** Identity has the truth in its own table; the others ask it. */
function revocationsOf(service: ServiceName, handlers: Record<string, AnyHandler>, nats: PeerKit['nats']): ListRevocations {
  const { listRevocations } = identity.operations;
  if (service !== identity.name) return () => nats.call(listRevocations, {});
  return async () => listRevocations.output.parse(await handlers[listRevocations.name]?.({}, { kind: 'gateway' }));
}

/** Which of the files that this build knows have not run in the database. */
async function missingMigrations(database: Database, expected: readonly string[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(`select name from ${MIGRATION_TABLE}`);
  const ran = new Set(rows.map(({ name }) => name));
  return expected.filter((name) => !ran.has(name));
}

const UNDEFINED_TABLE = '42P01';
async function mustBeMigrated(database: Database, service: ServiceName, expected: readonly string[]): Promise<void> {
  const missing = await missingMigrations(database, expected).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return expected;
    throw error;
  });
  if (missing.length > 0) throw new Error(`The schema ${service} lacks ${missing.join(', ')}: run the migrations first.`);
}

async function healthOf(database: Database, expected: readonly string[]): Promise<Health> {
  try {
    const missing = await missingMigrations(database, expected);
    return missing.length === 0
      ? { isReady: true }
      : { isReady: false, problem: `migrations are missing: ${missing.join(', ')}` };
  } catch (error) {
    return {
      isReady: false,
      problem: storageFailure(error) === undefined ? 'the database refuses' : 'PostgreSQL does not answer',
    };
  }
}

function addGauges({ metrics, database }: Kit, server: NatsServer): void {
  metrics.gauge('rialto_requests_in_flight', 'Requests that are being worked on.', () => server.inFlight);
  metrics.gauge('rialto_pool_waiting', 'Statements that wait for a connection.', () => database.pool.waitingCount);
  metrics.gauge('rialto_pool_connections', 'Connections of the pool.', () => database.pool.totalCount);
}

/** Nest's own words in our log: its greetings are for debugging only. */
export function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? { err: message } : { nest: String(message) });
  return {
    log: (message: unknown) => log.debug(text(message)),
    warn: (message: unknown) => log.warn(text(message)),
    error: (message: unknown) => log.error(text(message)),
    debug: (message: unknown) => log.debug(text(message)),
    verbose: (message: unknown) => log.trace(text(message)),
  };
}
