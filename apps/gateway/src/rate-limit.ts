import { isIPv6 } from 'node:net';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '@rialto/contracts';
import type { GatewayConfig } from './config.ts';

const WINDOW_S = 60;
const MS_A_SECOND = 1_000;
/** IPv6 gives a household 2^64 addresses: one network counts as one. */
const IPV6_NETWORK_GROUPS = 4;

export interface Standing {
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  readonly resetS: number;
}

/** One named limit, counted in this process. */
class Limit {
  readonly #name: string;
  readonly #points: number;
  readonly #limiter: RateLimiterMemory;
  constructor(name: string, points: number) {
    this.#name = name;
    this.#points = points;
    this.#limiter = new RateLimiterMemory({ keyPrefix: name, points, duration: WINDOW_S });
  }

  /** Takes one. Throws `rate-limited` with `retryAfterMs` in its details. */
  async take(key: string): Promise<Standing> {
    try {
      return this.#standing(await this.#limiter.consume(key));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      const { msBeforeNext } = refusal as RateLimiterRes;
      throw new AppError('rate-limited', { limit: this.#name, retryAfterMs: msBeforeNext });
    }
  }

  #standing({ remainingPoints, msBeforeNext }: RateLimiterRes): Standing {
    return { name: this.#name, limit: this.#points, remaining: remainingPoints, resetS: Math.ceil(msBeforeNext / MS_A_SECOND) };
  }
}

/** Who may ask how often: without a session by network address, with one by device, whatever the way. */
export class RateLimits {
  readonly anyone: Limit;
  readonly device: Limit;
  readonly sockets: Limit;
  readonly webhooks: Limit;
  constructor(config: GatewayConfig) {
    this.anyone = new Limit('anyone', config.RIALTO_LIMIT_ANYONE_PER_MINUTE);
    this.device = new Limit('device', config.RIALTO_LIMIT_DEVICE_PER_MINUTE);
    this.sockets = new Limit('sockets', config.RIALTO_LIMIT_SOCKETS_PER_MINUTE);
    this.webhooks = new Limit('webhooks', config.RIALTO_LIMIT_WEBHOOKS_PER_MINUTE);
  }
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers. */
export const rateLimitHeaders = ({ name, limit, remaining, resetS }: Standing): Record<string, string> => ({
  'ratelimit-policy': `"${name}";q=${limit};w=${WINDOW_S}`,
  ratelimit: `"${name}";r=${remaining};t=${resetS}`,
});

/** The address that a limit counts: an IPv4 address, or the /64 network of an IPv6 address. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  while (tail !== undefined && groups.length < 8 - after) groups.push('0');
  return `${groups.slice(0, IPV6_NETWORK_GROUPS).join(':')}::/64`;
}
