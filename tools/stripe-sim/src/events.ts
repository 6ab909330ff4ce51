import type Stripe from 'stripe';
import * as z from 'zod';
import { newId } from './ids.ts';
import { boolean, createdRange, expandable, list, paging, text } from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';
import type { Kinds, WireEvent } from './wire.ts';

/**
 * The version of the API that the pinned SDK speaks, and so the only one spoken here. Written out, because the SDK at run time costs
 * 30 MB of memory for this one word; a newer SDK does not compile with it.
 */
export const apiVersion = '2026-10-28.endive' satisfies typeof Stripe.API_VERSION;

/** Records what happened, for the event list and for every endpoint that asked for it. The object is a snapshot of this moment. */
export function emit(simulation: Simulation, type: string, object: object): WireEvent {
  const { requestId, idempotencyKey } = simulation.cause;
  const event: WireEvent = save(simulation, 'event', {
    id: newId('evt'),
    object: 'event',
    api_version: apiVersion,
    created: nowSeconds(simulation),
    data: { object: object as Stripe.Event.Data.Object },
    livemode: false,
    pending_webhooks: 0,
    request: { id: requestId, idempotency_key: idempotencyKey },
    type,
  });
  for (const endpoint of endpointsFor(simulation, type)) queueDelivery(simulation, event, endpoint.id);
  return event;
}

function endpointsFor(simulation: Simulation, type: string): Kinds['webhook_endpoint'][] {
  const { data } = simulation.store.list('webhook_endpoint', { limit: 100 }, { equals: { status: 'enabled' } });
  return data.filter((endpoint) => endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type));
}

/** Puts one delivery of an event in the queue, due at once. */
export function queueDelivery(simulation: Simulation, event: WireEvent, endpoint: string): void {
  save(simulation, 'delivery', {
    id: newId('dlv'),
    event: event.id,
    endpoint,
    state: 'waiting',
    attempts: 0,
    dueAtMs: simulation.nowMs(),
    lastResult: null,
  });
}

/** The event as it is told now: how many endpoints still wait for it changes with time. */
export function presentEvent(simulation: Simulation, event: WireEvent): WireEvent {
  return { ...event, pending_webhooks: simulation.store.pendingWebhooks(event.id) };
}

const listParams = z.strictObject({
  ...paging,
  type: text.optional(),
  types: list(text).optional(),
  created: createdRange,
  delivery_success: boolean.optional(),
});

export const eventOperations: Operation[] = [
  operation('GET', '/v1/events/:id', z.strictObject(expandable), ({ simulation, id }) =>
    presentEvent(simulation, load(simulation, 'event', id)),
  ),
  operation('GET', '/v1/events', listParams, ({ simulation, params }) => {
    const page = simulation.store.list('event', params, {
      equals: { type: params.types ?? params.type },
      created: params.created,
      delivered: params.delivery_success,
    });
    return listAnswer('/v1/events', { ...page, data: page.data.map((event) => presentEvent(simulation, event)) });
  }),
];
