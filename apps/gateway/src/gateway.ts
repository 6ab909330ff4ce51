import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { CONTRACTS, identity, type Service } from '@rialto/contracts';
import { nestLogger, startPeer, type Running } from '@rialto/service';
import type { GatewayConfig } from './config.ts';
import { Dispatch, operationsForPeople } from './dispatch.ts';
import { serveDocuments } from './documents/documents.ts';
import { fastifyAdapter } from './fastify.ts';
import { serveHealth } from './health.ts';
import { ProblemFilter } from './problem.ts';
import { RateLimits } from './rate-limit.ts';
import { routesOf } from './routes.ts';
import { secureHeaders } from './security-headers.ts';
import { serveSimulatedCheckout } from './simulated-checkout.ts';
import { SocketServer } from './socket/socket-server.ts';
import { serveStripeWebhook } from './stripe-webhook.ts';
import { trustedProxies } from './trusted-proxies.ts';
import { serveWebClient } from './web-client.ts';

export interface RunningGateway extends Running {
  /** The port that was taken when the configuration said 0. */
  readonly port: number;
}

/** Builds the only door: HTTP and the socket in, NATS out. */
export async function startGateway(config: GatewayConfig): Promise<RunningGateway> {
  const services: readonly Service[] = Object.values(CONTRACTS);
  const peer = await startPeer('gateway', config);
  const { log, nats, tokens, metrics, revocations } = peer;
  await revocations.poll(() => nats.call(identity.operations.listRevocations, {}));
  const limits = new RateLimits(config);
  const dispatch = new Dispatch({ nats, tokens, limits, metrics });

  class GatewayModule {}
  Module({ controllers: [routesOf(services, dispatch)] })(GatewayModule);
  const adapter = fastifyAdapter(config, log);
  const options = { logger: nestLogger(log), bodyParser: false };
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule, adapter, options);
  app.useGlobalFilters(new ProblemFilter(log));
  const instance = adapter.getInstance<FastifyInstance>();
  await secureHeaders(instance, config);
  serveHealth(
    instance,
    nats,
    services.map(({ name }) => name),
  );
  serveDocuments(instance, services);
  serveStripeWebhook(instance, nats, limits);
  serveSimulatedCheckout(instance, config.RIALTO_STRIPE_SIM_URL);
  await serveWebClient(instance, config.RIALTO_WEB_DIR, services);

  const operations = operationsForPeople(services);
  const sockets = new SocketServer({
    peer,
    dispatch,
    limits,
    operations,
    origins: config.RIALTO_ORIGINS,
    isTrustedProxy: trustedProxies(config.RIALTO_TRUSTED_PROXIES),
  });
  await app.init();
  sockets.listen(instance.server);
  await app.listen(config.RIALTO_PORT, config.RIALTO_HOST);
  const address = instance.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.RIALTO_PORT;
  log.info({ port }, 'ready');
  const stop = async () => {
    log.info('stopping');
    await sockets.stop();
    await app.close();
    await peer.close();
    log.info('stopped');
  };
  return { port, stop };
}
