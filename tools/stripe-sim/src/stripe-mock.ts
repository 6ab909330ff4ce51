/** An independent judge of our requests: github.com/stripe/stripe-mock checks each against Stripe's OpenAPI specification. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readStripeMockConfig, type StripeMockConfig } from './config.ts';

/** Pinned; Go's checksum database verifies what is downloaded. */
const stripeMockVersion = 'v0.203.0';
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

function findProgram(name: string, directories: readonly string[]): string | null {
  return directories.map((directory) => join(directory, name)).find(isRunnable) ?? null;
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why stripe-mock cannot be had, as a sentence; null when it is built already or Go is there to build it. */
export function whyNoStripeMock(config: StripeMockConfig = readStripeMockConfig()): string | null {
  const isBuilt = findProgram('stripe-mock', [join(config.cacheDir, stripeMockVersion)]) !== null;
  if (isBuilt || findProgram('go', config.goDirs) !== null) return null;
  return 'Go is not installed, and stripe-mock is built with it (https://go.dev/dl).';
}

/**
 * The path of a stripe-mock of the pinned version, built with Go on first use and kept outside the working tree.
 * @throws {StripeMockUnavailable} without Go, or when Go cannot fetch or build it.
 */
async function findStripeMock(config: StripeMockConfig): Promise<string> {
  const binDir = join(config.cacheDir, stripeMockVersion);
  const built = findProgram('stripe-mock', [binDir]);
  if (built !== null) return built;
  const go = findProgram('go', config.goDirs);
  if (go === null) throw new StripeMockUnavailable(whyNoStripeMock(config) ?? '');
  await mkdir(binDir, { recursive: true });
  try {
    await promisify(execFile)(go, ['install', `github.com/stripe/stripe-mock@${stripeMockVersion}`], {
      timeout: installTimeoutMs,
      env: { ...config.env, GOBIN: binDir },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    throw new StripeMockUnavailable(`Go could not build stripe-mock ${stripeMockVersion}: ${reason ?? ''}`);
  }
  return join(binDir, 'stripe-mock');
}

/**
 * Starts stripe-mock on a free loopback port. The first start on a machine builds it, which takes up to a few minutes.
 * @throws {StripeMockUnavailable} when there is none and none can be built.
 */
export async function startStripeMock(config: StripeMockConfig = readStripeMockConfig()): Promise<StripeMock> {
  const program = await findStripeMock(config);
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
