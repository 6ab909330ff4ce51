import * as z from 'zod';
import type { ErrorCode } from './errors.ts';

/** The WebSocket at `/v1/socket`: one JSON object a text frame. The client speaks first after `hello`, with `identify` or `resume`. */
export const ClientFrame = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('identify'), token: z.string().max(2_000) }),
  z.strictObject({
    op: z.literal('resume'),
    token: z.string().max(2_000),
    sessionId: z.string().max(100),
    lastSeq: z.int().min(0),
  }),
  /** A fresh token on a socket that is open: the old one ends in a few minutes. */
  z.strictObject({ op: z.literal('renew'), token: z.string().max(2_000) }),
  z.strictObject({ op: z.literal('call'), id: z.int().min(0), operation: z.string().max(100), input: z.unknown() }),
  z.strictObject({ op: z.literal('ack'), upTo: z.int().min(0) }),
  z.strictObject({ op: z.literal('heartbeat') }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

export const ServerFrame = z.discriminatedUnion('op', [
  z.object({ op: z.literal('hello'), heartbeatMs: z.int(), maxUnacked: z.int() }),
  /** `resumed: false` means that pushes may have been missed: read the logs. */
  z.object({ op: z.literal('ready'), sessionId: z.string(), resumed: z.boolean(), seq: z.int() }),
  z.object({ op: z.literal('dispatch'), seq: z.int(), event: z.string(), payload: z.unknown() }),
  z.object({ op: z.literal('reply'), id: z.int(), ok: z.unknown() }),
  z.object({
    op: z.literal('error'),
    id: z.int().nullable(),
    code: z.string(),
    retryable: z.boolean(),
    retryAfterMs: z.int().optional(),
    requestId: z.string(),
    details: z.unknown().optional(),
  }),
  z.object({ op: z.literal('renewed') }),
  z.object({ op: z.literal('heartbeat') }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** Why the server closes a socket, and whether coming back makes sense. */
export const CLOSE_CODES = {
  4000: { reason: 'unreadable frame', reconnect: false },
  4001: { reason: 'not identified in time', reconnect: true },
  4002: { reason: 'token refused: sign in again', reconnect: true },
  4003: { reason: 'device revoked', reconnect: false },
  4004: { reason: 'too slow: pushes were not acknowledged or not read', reconnect: true },
  4005: { reason: 'no heartbeat', reconnect: true },
  4006: { reason: 'too many calls at once', reconnect: true },
  4007: { reason: 'server is restarting', reconnect: true },
  4008: { reason: 'frame too large', reconnect: false },
  4009: { reason: 'too many sockets', reconnect: true },
} as const satisfies Record<number, { reason: string; reconnect: boolean }>;
export type CloseCode = keyof typeof CLOSE_CODES;

/** RFC 9457, the body of every error over HTTP. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly requestId: string;
  readonly docUrl: string;
  readonly details?: unknown;
}
