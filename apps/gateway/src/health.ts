import type { FastifyInstance } from 'fastify';
import { AppError, type ServiceName } from '@rialto/contracts';
import type { NatsClient } from '@rialto/service';

/** Health is public, so asking it often must not cost the services anything. */
const REMEMBER_MS = 500;

type Report = Readonly<Partial<Record<ServiceName, string>>>;
const READY = 'ready';

/** Live: this process answers. Ready: every service answers over NATS, reaches its database, and its migrations are current. */
export function serveHealth(instance: FastifyInstance, nats: NatsClient, services: readonly ServiceName[]): void {
  let remembered: { readonly until: number; readonly report: Promise<Report> } | undefined;
  instance.get('/health/live', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'live' }));
  instance.get('/health/ready', async (_request, reply) => {
    if (remembered === undefined || remembered.until < Date.now()) {
      remembered = { until: Date.now() + REMEMBER_MS, report: reportOf(nats, services) };
    }
    const report = await remembered.report;
    if (Object.values(report).some((state) => state !== READY)) throw new AppError('unavailable', { services: report });
    return reply.header('cache-control', 'no-store').send({ status: READY, services: report });
  });
}

async function reportOf(nats: NatsClient, services: readonly ServiceName[]): Promise<Report> {
  const stateOf = async (service: ServiceName): Promise<[ServiceName, string]> => {
    try {
      const { isReady, problem } = await nats.health(service);
      return [service, isReady ? READY : (problem ?? 'not ready')];
    } catch (error) {
      return [service, error instanceof AppError && error.code === 'unavailable' ? 'is not running' : 'does not answer'];
    }
  };
  return Object.fromEntries(await Promise.all(services.map(stateOf)));
}
