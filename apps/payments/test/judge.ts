// Between the processor and the simulator: every request is shown to stripe-mock as it is, byte for byte, before it is answered.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Verdict {
  /** Method and path, ids left out, with the names of what was asked: two requests of one shape are the same to the judge. */
  readonly shape: string;
  /** What stripe-mock answered; 200 for a request that Stripe's specification allows. */
  readonly status: number;
  readonly words: string;
}
interface Address {
  readonly host: string;
  readonly port: number;
}
export interface Judge {
  readonly url: string;
  readonly verdicts: readonly Verdict[];
  stop(): void;
}

const PASSED_ON = ['authorization', 'content-type', 'idempotency-key', 'stripe-version'];

export async function startJudge({ simulator, mock }: { simulator: Address; mock: Address }): Promise<Judge> {
  const verdicts: Verdict[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      const judged = await passOn(request, body, mock);
      verdicts.push({ shape: shapeOf(request, body), status: judged.status, words: judged.status === 200 ? '' : judged.text });
      const answer = await passOn(request, body, simulator);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    verdicts,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function passOn({ method = 'GET', url = '/', headers }: IncomingMessage, body: string, { host, port }: Address) {
  const passed = Object.entries(headers).filter(([name]) => PASSED_ON.includes(name)) as [string, string][];
  const init = { method, headers: Object.fromEntries(passed), ...(method === 'POST' && { body }) };
  const answer = await fetch(`http://${host}:${port}${url}`, init);
  return { status: answer.status, text: await answer.text() };
}

function shapeOf({ method, url = '/' }: IncomingMessage, body: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const names = [...searchParams.keys(), ...new URLSearchParams(body).keys()].map((name) => name.replace(/\[\d+\]/g, '[]'));
  const path = pathname.replace(/\/(?:cs|pi|re)_\w+$/, '/:id');
  return `${method} ${path} ${[...new Set(names)].toSorted((a, b) => a.localeCompare(b)).join(' ')}`.trim();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
