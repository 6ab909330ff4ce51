import type * as z from 'zod';
import type { Service } from '@rialto/contracts';
import { startService, type RunningService, type ServiceDefinition } from '../service.ts';
import type { TestDatabase } from './database.ts';
import type { TestNats } from './nats.ts';
import { testTokenKeys } from './people.ts';

export interface TestServiceOptions {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  /** The service's own variables, and any that shall differ. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A whole service in this process, as `runService` would start it; logs only what is fatal unless RIALTO_LOG_LEVEL says otherwise. */
export function startTestService<S extends Service, C extends z.ZodObject>(
  definition: ServiceDefinition<S, C>,
  { database, nats, env = {} }: TestServiceOptions,
): Promise<RunningService> {
  const { name } = definition.contract;
  return startService(definition, {
    RIALTO_NATS_URL: nats.url,
    RIALTO_NATS_SEED: nats.seedOf(name),
    RIALTO_DATABASE_URL: database.url(name),
    RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
    RIALTO_LOG_LEVEL: 'fatal',
    ...env,
  });
}
