import { join } from 'node:path';
import * as z from 'zod';
import { AppError, messaging, payments, type Handlers, type Service } from '@rialto/contracts';
import { defineService } from '@rialto/service';
import type { TestedService } from '@rialto/service/testing';

/** Services with real contracts behind a real NATS, whose handlers only do what a test of the gateway needs to see. */
const migrationsDir = join(import.meta.dirname, 'no-migrations');
export const standInTables: TestedService[] = [
  { name: 'messaging', migrationsDir },
  { name: 'payments', migrationsDir },
];

/** The bytes of a message say what shall happen. */
async function obey(order: string): Promise<void> {
  if (order === 'wait') await new Promise((resolve) => setTimeout(resolve, 400));
  if (order === 'stale') throw new AppError('stale-epoch', { epoch: 7 });
  if (order === 'busy') throw new AppError('rate-limited', { retryAfterMs: 1_500 });
  if (order === 'broken') throw new Error('password hunter2');
}

export let lastSent: unknown;

/** `handlers` for the operations that tests call; every other one answers `not-found`. */
function standIn<S extends Service>({ operations }: S, handlers: Record<string, (input: never) => Promise<object>>): Handlers<S> {
  const refuse = async () => {
    throw new AppError('not-found');
  };
  return { ...Object.fromEntries(Object.keys(operations).map((name) => [name, refuse])), ...handlers } as unknown as Handlers<S>;
}

const messagingHandlers = standIn(messaging, {
  async sendMessage(input: { bytes: string }) {
    lastSent = input;
    await obey(Buffer.from(input.bytes, 'base64url').toString());
    return { seq: 1, duplicate: false, at: new Date().toISOString() };
  },
  async listMessages({ after, limit = 0 }: { after: number; limit?: number }) {
    return { rows: [], lastSeq: after, firstSeq: limit };
  },
  async listConversations() {
    return { conversations: [], nextCursor: null };
  },
});

export const deliveries: { body: string; signature: string }[] = [];
const paymentsHandlers = standIn(payments, {
  async receiveStripeEvent(delivery: { body: string; signature: string }) {
    deliveries.push(delivery);
    return { received: true };
  },
  async transfer() {
    return { transferId: `tra_${'0'.repeat(22)}`, duplicate: false, receipt: { signed: 'e30', signature: '0'.repeat(86) } };
  },
});

const config = z.object({});
export const standInMessaging = defineService({
  contract: messaging,
  config,
  migrationsDir,
  build: async () => ({ handlers: messagingHandlers }),
});
export const standInPayments = defineService({
  contract: payments,
  config,
  migrationsDir,
  build: async () => ({ handlers: paymentsHandlers }),
});
