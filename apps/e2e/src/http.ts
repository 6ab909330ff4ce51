import http from 'node:http';
import net from 'node:net';
import type { Problem } from '@rialto/contracts';

const TIMEOUT_MS = 20_000;

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as it is; an object is sent as JSON. */
  readonly body?: string | Buffer | object | undefined;
  /** The loopback address to come from, where the machine has more than one: limits count by address. */
  readonly from?: string | undefined;
  readonly timeoutMs?: number;
}
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

const agents = new Map<string, http.Agent>();
function agentFor(from: string): http.Agent {
  const known = agents.get(from);
  if (known !== undefined) return known;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  agents.set(from, agent);
  return agent;
}

/** Lets go of kept connections; call it when a test file ends. */
export function closeAgents(): void {
  for (const agent of agents.values()) agent.destroy();
  agents.clear();
}

/** One HTTP request, sent as it is told: nothing is added, corrected or followed. Rejects when there is no answer at all. */
export function ask(
  url: string,
  { method = 'GET', path, token, headers = {}, body, from = '', timeoutMs = TIMEOUT_MS }: Ask,
): Promise<Answer> {
  const { port } = new URL(url);
  const isPlain = typeof body === 'object' && !Buffer.isBuffer(body);
  const bytes =
    body === undefined ? undefined : isPlain ? Buffer.from(JSON.stringify(body)) : Buffer.from(body as string | Buffer);
  const type = isPlain ? { 'content-type': 'application/json' } : {};
  const session = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const length = bytes === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(bytes.length) };
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: agentFor(from),
      ...(from === '' ? {} : { localAddress: from }),
      headers: { ...type, ...session, ...length, ...headers } as http.OutgoingHttpHeaders,
      timeout: timeoutMs,
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms: ${method} ${path}`)));
    request.on('error', reject);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    request.end(bytes);
  });
}

/** Writes bytes to the port and gives back all that comes until the server closes, or until it has been quiet for `quietMs`. */
export function askRaw(url: string, bytes: string | Buffer, { quietMs = 400, from = '' } = {}): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(parts).toString('latin1'));
    };
    const socket = net.connect({
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      ...(from === '' ? {} : { localAddress: from }),
    });
    socket.setTimeout(quietMs, done);
    socket.on('data', (part) => parts.push(part));
    socket.on('error', done);
    socket.on('end', done);
    socket.write(bytes);
  });
}

/** The problem that an answer carries. Throws when it is not a whole problem as RFC 9457 and our table have it. */
export function problemOf({ status, headers, text }: Answer): Problem {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${status} is not a problem but ${type}: ${text.slice(0, 300)}`);
  const problem = JSON.parse(text) as Problem;
  const isWhole =
    typeof problem.code === 'string' &&
    typeof problem.title === 'string' &&
    typeof problem.retryable === 'boolean' &&
    typeof problem.docUrl === 'string' &&
    problem.status === status &&
    problem.requestId === headers['x-request-id'];
  if (!isWhole) throw new Error(`not a whole problem: ${text.slice(0, 500)}`);
  return problem;
}
