/** An independent judge of our requests: github.com/stripe/stripe-mock checks each against Stripe's OpenAPI specification. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readStripeMockConfig } from './config.ts';

/** Pinned; Go's checksum database verifies what is downloaded. */
export const stripeMockVersion = 'v0.203.0';
const installTimeoutMs = 300_000;
const startTimeoutMs = 60_000;

/** There is no stripe-mock on this machine and no way to build one. The message is a sentence for a person. */
export class StripeMockUnavailable extends Error {
  override readonly name = 'StripeMockUnavailable';
}

export interface StripeMock {
  /** As the SDK takes them: `new Stripe('sk_test_123', { host, port, protocol })`. */
  host: string;
  port: number;
  protocol: 'http';
  stop: () => Promise<void>;
}

/** Whether missing Go is a failure (in CI) or only a reason to name (elsewhere). */
export function isStripeMockRequired(): boolean {
  return readStripeMockConfig().isCi;
}

async function findProgram(name: string, path: string): Promise<string | null> {
  for (const directory of path.split(delimiter).filter((entry) => entry !== '')) {
    const candidate = join(directory, name);
    const isRunnable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isRunnable) return candidate;
  }
  return null;
}

/**
 * The path of a stripe-mock of the pinned version, built with Go on first use and kept outside the working tree.
 * @throws {StripeMockUnavailable} without Go, or when Go cannot fetch or build it.
 */
export async function findStripeMock(): Promise<string> {
  const { path, cacheDir, env } = readStripeMockConfig();
  const binDir = join(cacheDir, stripeMockVersion);
  const cached = await findProgram('stripe-mock', binDir);
  if (cached !== null) return cached;
  const go = await findProgram('go', [path, '/usr/local/go/bin'].join(delimiter));
  if (go === null) throw new StripeMockUnavailable('Go is not installed, and stripe-mock is built with it (https://go.dev/dl).');
  await mkdir(binDir, { recursive: true });
  try {
    await promisify(execFile)(go, ['install', `github.com/stripe/stripe-mock@${stripeMockVersion}`], {
      timeout: installTimeoutMs,
      env: { ...env, GOBIN: binDir },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    throw new StripeMockUnavailable(`Go could not build stripe-mock ${stripeMockVersion}: ${reason ?? ''}`);
  }
  return join(binDir, 'stripe-mock');
}

/** Starts stripe-mock on a free loopback port. */
export async function startStripeMock(): Promise<StripeMock> {
  const program = await findStripeMock();
  const host = '127.0.0.1';
  const port = await freePort(host);
  const child = spawn(program, ['-http-addr', `${host}:${port}`], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await answering(child, `http://${host}:${port}/`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, port, protocol: 'http', stop };
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`stripe-mock ended at once with code ${child.exitCode}.`);
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await sleep(100);
  }
  throw new Error(`stripe-mock did not answer within ${startTimeoutMs} ms.`);
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
