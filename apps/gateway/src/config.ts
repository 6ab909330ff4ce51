import * as z from 'zod';
import { ListVariable, parseEnvironment, PortVariable, ProcessEnvironment } from '@rialto/service';
import { isNetwork } from './trusted-proxies.ts';

/** Requests a minute, by name. Generous for people, and low enough that one device cannot starve the others. */
const PerMinute = (usual: number) => z.coerce.number().int().min(1).default(usual);
const Origins = ListVariable.pipe(
  z.array(
    z.url().refine((text) => new URL(text).origin === text, 'must be origins such as https://rialto.example, without a path'),
  ),
);

export const GatewayEnvironment = ProcessEnvironment.extend({
  RIALTO_PORT: PortVariable.default(7420),
  RIALTO_HOST: z.string().default('127.0.0.1'),
  /** The addresses at which people open Rialto, exactly. */
  RIALTO_ORIGINS: Origins,
  RIALTO_WEB_DIR: z.string().optional(),
  RIALTO_STRIPE_SIM_URL: z.url().optional(),
  /** Addresses or networks of proxies in front, whose X-Forwarded-For is believed. Without it all who come through one count as one. */
  RIALTO_TRUSTED_PROXIES: ListVariable.pipe(
    z.array(z.string().refine(isNetwork, 'must be addresses or networks such as 172.16.0.0/12')),
  ).default([]),
  RIALTO_LIMIT_ANYONE_PER_MINUTE: PerMinute(240),
  RIALTO_LIMIT_DEVICE_PER_MINUTE: PerMinute(6_000),
  RIALTO_LIMIT_SOCKETS_PER_MINUTE: PerMinute(240),
  /** Deliveries of the processor from one network: it sends from few addresses what happens to everybody. */
  RIALTO_LIMIT_WEBHOOKS_PER_MINUTE: PerMinute(6_000),
});
export type GatewayConfig = z.output<typeof GatewayEnvironment>;

export const gatewayConfig = (variables: Readonly<Record<string, string | undefined>>): GatewayConfig =>
  parseEnvironment(GatewayEnvironment, variables);

/** The only place of the gateway that reads the environment. */
export const processEnvironment: Readonly<Record<string, string | undefined>> = process.env;
