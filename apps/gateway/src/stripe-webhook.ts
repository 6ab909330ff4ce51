import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, payments } from '@rialto/contracts';
import type { NatsClient } from '@rialto/service';
import { networkOf, type RateLimits } from './rate-limit.ts';

/** Stripe's events stay far below; what is larger is not from Stripe. */
const MAX_WEBHOOK_BYTES = 524_288;
/** Stripe waits longer, and repeats what was not answered with 2xx. */
const WEBHOOK_TIMEOUT_MS = 10_000;

/** Hands a delivery to payments byte for byte: the signature covers the raw body, so nothing here may read it as JSON. */
export function serveStripeWebhook(instance: FastifyInstance, nats: NatsClient, limits: RateLimits): void {
  const receive = async ({ headers, body, ip, id }: FastifyRequest, reply: FastifyReply) => {
    await limits.webhooks.take(networkOf(ip));
    const signature = headers['stripe-signature'];
    if (typeof signature !== 'string' || !Buffer.isBuffer(body)) throw new AppError('webhook-refused');
    const delivery = { body: body.toString('base64url'), signature };
    const about = { requestId: id, timeoutMs: WEBHOOK_TIMEOUT_MS };
    return reply
      .header('cache-control', 'no-store')
      .send(await nats.call(payments.operations.receiveStripeEvent, delivery, about));
  };
  void instance.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post('/v1/stripe/webhook', { bodyLimit: MAX_WEBHOOK_BYTES }, receive);
  });
}
