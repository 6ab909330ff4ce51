import { errors } from '@nats-io/transport-node';
import type { Peer } from '@rialto/contracts';
import { ready } from '@rialto/crypto/server';
import type { ProcessEnvironment } from './environment.ts';
import { logger, type Logger } from './log.ts';
import { OperationMetrics } from './metrics.ts';
import { NatsClient } from './nats-client.ts';
import { connectNats, type NatsLink } from './nats-connection.ts';
import { withPatience } from './process.ts';
import { Revocations } from './revocations.ts';
import { Tokens } from './tokens.ts';

/** What the gateway and every service have in common: a place on NATS, tokens that they verify, figures, a log. */
export interface PeerKit {
  readonly log: Logger;
  readonly link: NatsLink;
  readonly nats: NatsClient;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  readonly metrics: OperationMetrics;
  /** The last thing to do when stopping. */
  close(): Promise<void>;
}

const isAway = (error: unknown) => error instanceof errors.ConnectionError || error instanceof errors.TimeoutError;

export async function startPeer(peer: Peer, environment: ProcessEnvironment): Promise<PeerKit> {
  const log = logger(peer, environment.RIALTO_LOG_LEVEL);
  await ready();
  const { RIALTO_NATS_URL: url, RIALTO_NATS_SEED: seed } = environment;
  const link = await withPatience(() => connectNats(peer, { url, seed, log }), isAway);
  const nats = new NatsClient(link);
  const revocations = new Revocations(link, log);
  const tokens = new Tokens(environment.RIALTO_TOKEN_PUBLIC_KEY, (device) => revocations.isRevoked(device));
  const metrics = new OperationMetrics();
  const port = environment.RIALTO_METRICS_PORT;
  const scraped = port === undefined ? undefined : await metrics.listen(port);
  const close = async () => {
    revocations.stop();
    scraped?.close();
    await link.close();
  };
  return { log, link, nats, tokens, revocations, metrics, close };
}
