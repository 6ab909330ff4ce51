import type { BrowserContext, WebSocketRoute } from 'playwright-core';

/** A call that the page makes or a frame that the server sends, as it travels. */
type Frame = Readonly<Record<string, unknown>>;
interface Refusal {
  readonly code: string;
  readonly retryAfterMs?: number;
}

/**
 * Between a page and its server: everything passes as it is until a test changes an answer or refuses a call. Only the socket goes through
 * here; the few operations that need no account travel over HTTP.
 */
export class Wire {
  readonly #refusals = new Map<string, Refusal>();
  #edit: (text: string) => string = (text) => text;

  static async between(context: BrowserContext): Promise<Wire> {
    const wire = new Wire();
    await context.routeWebSocket(/\/v1\/socket/, (page) => wire.#connect(page));
    return wire;
  }

  /** What the server sends from now on is changed on its way, whole frames as text; without a change it passes as it is. */
  change(edit: (text: string) => string = (text) => text): void {
    this.#edit = edit;
  }

  /** Calls of `service.operation` are refused from now on; the server does not hear of them. */
  refuse(operation: string, refusal: Refusal): void {
    this.#refusals.set(operation, refusal);
  }
  allow(operation: string): void {
    this.#refusals.delete(operation);
  }

  #connect(page: WebSocketRoute): void {
    const server = page.connectToServer();
    page.onMessage((message) => {
      const { op, id, operation } = JSON.parse(String(message)) as Frame;
      const refusal = op === 'call' ? this.#refusals.get(String(operation)) : undefined;
      if (refusal) page.send(JSON.stringify({ op: 'error', id, retryable: true, requestId: 'test', ...refusal }));
      else server.send(message);
    });
    server.onMessage((message) => page.send(this.#edit(String(message))));
  }
}

/** Changes every object in a frame that `isMeant`, however deep it lies. */
export const changed = (text: string, isMeant: (object: Frame) => boolean, change: (object: Frame) => Frame): string =>
  JSON.stringify(
    JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && isMeant(value as Frame) ? change(value as Frame) : value,
    ),
  );

/** The last byte of a row is one of the ciphertext's tag. */
export function damaged(row: Frame): Frame {
  const bytes = Buffer.from(String(row['bytes']), 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return { ...row, bytes: bytes.toString('base64url') };
}
