import type Stripe from 'stripe';
import * as z from 'zod';
import { emit } from './events.ts';
import { newId, randomText } from './ids.ts';
import { email, expandable, mergeMetadata, metadata, text } from './parameters.ts';
import { load, nowSeconds, operation, save, type Operation } from './simulation.ts';

const fields = {
  description: text.optional(),
  email: email.optional(),
  metadata: metadata.optional(),
  name: text.optional(),
  phone: text.optional(),
  ...expandable,
} satisfies Partial<Record<keyof Stripe.CustomerCreateParams & keyof Stripe.CustomerUpdateParams, z.ZodType>>;

const params = z.strictObject(fields);

export const customerOperations: Operation[] = [
  operation('POST', '/v1/customers', params, ({ simulation, params: given }) => {
    const customer = save(simulation, 'customer', {
      id: newId('cus'),
      object: 'customer',
      address: null,
      balance: 0,
      created: nowSeconds(simulation),
      currency: null,
      default_source: null,
      delinquent: false,
      description: given.description ?? null,
      discount: null,
      email: given.email ?? null,
      invoice_prefix: randomText(8).toUpperCase(),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: mergeMetadata({}, given.metadata),
      name: given.name ?? null,
      next_invoice_sequence: 1,
      phone: given.phone ?? null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: 'none',
      test_clock: null,
    });
    emit(simulation, 'customer.created', customer);
    return customer;
  }),
  operation('POST', '/v1/customers/:id', params, ({ simulation, id, params: given }) => {
    const before = load(simulation, 'customer', id);
    const customer = save(simulation, 'customer', {
      ...before,
      description: given.description ?? before.description,
      email: given.email ?? before.email,
      metadata: mergeMetadata(before.metadata, given.metadata),
      name: given.name ?? before.name ?? null,
      phone: given.phone ?? before.phone ?? null,
    });
    emit(simulation, 'customer.updated', customer);
    return customer;
  }),
  operation('GET', '/v1/customers/:id', z.strictObject(expandable), ({ simulation, id }) => load(simulation, 'customer', id)),
];
