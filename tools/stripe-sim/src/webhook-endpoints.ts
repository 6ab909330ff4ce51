import type Stripe from 'stripe';
import * as z from 'zod';
import { apiVersion } from './events.ts';
import { newId, randomText } from './ids.ts';
import { expandable, list, mergeMetadata, metadata, paging, text, url } from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

/** The endpoint that the configuration names keeps its id over restarts, so that its deliveries go on. */
export const configuredEndpointId = 'we_simulatedFromConfiguration';

/** Registers, or brings up to date, the endpoint that the configuration names. */
export function registerConfiguredEndpoint(simulation: Simulation, webhook: { url: string; secret: string } | null): void {
  const before = simulation.store.get('webhook_endpoint', configuredEndpointId);
  if (webhook) {
    save(simulation, 'webhook_endpoint', endpoint(simulation, configuredEndpointId, { ...webhook, enabledEvents: ['*'] }));
  } else if (before) {
    save(simulation, 'webhook_endpoint', { ...before, status: 'disabled' });
  }
}

function endpoint(
  simulation: Simulation,
  id: string,
  input: {
    url: string;
    secret: string;
    enabledEvents: string[];
    description?: string | undefined;
    metadata?: Record<string, string>;
  },
): Stripe.WebhookEndpoint {
  return {
    id,
    object: 'webhook_endpoint',
    api_version: apiVersion,
    application: null,
    created: nowSeconds(simulation),
    description: input.description ?? null,
    enabled_events: input.enabledEvents,
    livemode: false,
    metadata: input.metadata ?? {},
    secret: input.secret,
    status: 'enabled',
    url: input.url,
  };
}

/** Only the answer to the creation shows the secret. */
function withoutSecret({ secret: _, ...shown }: Stripe.WebhookEndpoint): Omit<Stripe.WebhookEndpoint, 'secret'> {
  return shown;
}

const createParams = z.strictObject({
  description: text.optional(),
  enabled_events: list(text),
  metadata: metadata.optional(),
  url,
  ...expandable,
} satisfies Partial<Record<keyof Stripe.WebhookEndpointCreateParams, z.ZodType>>);

export const webhookEndpointOperations: Operation[] = [
  operation('POST', '/v1/webhook_endpoints', createParams, ({ simulation, params }) =>
    save(
      simulation,
      'webhook_endpoint',
      endpoint(simulation, newId('we'), {
        url: params.url,
        secret: `whsec_${randomText(32)}`,
        enabledEvents: params.enabled_events,
        description: params.description,
        metadata: mergeMetadata({}, params.metadata),
      }),
    ),
  ),
  operation('GET', '/v1/webhook_endpoints/:id', z.strictObject(expandable), ({ simulation, id }) =>
    withoutSecret(load(simulation, 'webhook_endpoint', id)),
  ),
  operation('GET', '/v1/webhook_endpoints', z.strictObject(paging), ({ simulation, params }) => {
    const page = simulation.store.list('webhook_endpoint', params);
    return listAnswer('/v1/webhook_endpoints', { data: page.data.map(withoutSecret), hasMore: page.hasMore });
  }),
];
