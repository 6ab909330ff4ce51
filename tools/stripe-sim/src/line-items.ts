import type Stripe from 'stripe';
import * as z from 'zod';
import { newId } from './ids.ts';
import { amountMinor, currency, integer, mergeMetadata, metadata, text } from './parameters.ts';
import { nowSeconds, type Simulation } from './simulation.ts';
import type { WireLineItem } from './wire.ts';

const productData = z.strictObject({
  description: text.optional(),
  metadata: metadata.optional(),
  name: text,
} satisfies Partial<Record<keyof Stripe.Checkout.SessionCreateParams.LineItem.PriceData.ProductData, z.ZodType>>);

const priceData = z.strictObject({
  currency,
  product_data: productData,
  tax_behavior: z.literal('unspecified').optional(),
  unit_amount: amountMinor,
} satisfies Partial<Record<keyof Stripe.Checkout.SessionCreateParams.LineItem.PriceData, z.ZodType>>);

/** One thing to pay for, priced in the call itself; stored prices are not simulated. */
export const lineItemParameter = z.strictObject({
  metadata: metadata.optional(),
  price_data: priceData,
  quantity: integer(1, 999_999),
} satisfies Partial<Record<keyof Stripe.Checkout.SessionCreateParams.LineItem, z.ZodType>>);

export function createLineItem(simulation: Simulation, input: z.output<typeof lineItemParameter>): WireLineItem {
  const { price_data: price, quantity } = input;
  const total = price.unit_amount * quantity;
  return {
    id: newId('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: total,
    amount_tax: 0,
    amount_total: total,
    currency: price.currency,
    description: price.product_data.name,
    metadata: mergeMetadata({}, input.metadata),
    price: {
      id: newId('price'),
      object: 'price',
      active: false,
      billing_scheme: 'per_unit',
      created: nowSeconds(simulation),
      currency: price.currency,
      custom_unit_amount: null,
      livemode: false,
      lookup_key: null,
      metadata: {},
      nickname: null,
      product: newId('prod'),
      recurring: null,
      tax_behavior: 'unspecified',
      tiers_mode: null,
      transform_quantity: null,
      type: 'one_time',
      unit_amount: price.unit_amount,
      unit_amount_decimal: String(price.unit_amount),
    },
    quantity,
  };
}
