/** An independent judge of our requests: github.com/stripe/stripe-mock checks each against Stripe's OpenAPI specification. */
import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { readStripeMockConfig, type StripeMockConfig } from './config.ts';

/** Pinned; Go's checksum database verifies what is downloaded. */
const stripeMockVersion = 'v0.203.0';
const installTimeoutMs = 300_000;
const startTimeoutMs = 60_000;
const host = '127.0.0.1';

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
 * Starts stripe-mock on free loopback ports. The first start on a machine builds it, which takes up to a few minutes.
 * @throws {StripeMockUnavailable} when there is none and none can be built.
 */
export async function startStripeMock(config: StripeMockConfig = readStripeMockConfig()): Promise<StripeMock> {
  const program = await findStripeMock(config);
  // The system chooses both ports. Unasked, stripe-mock takes a fixed one for HTTPS, and a second one beside it ends at once.
  const anyPort = `${host}:0`;
  const child = spawn(program, ['-http-addr', anyPort, '-https-addr', anyPort], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    return { host, port: await portOf(child), protocol: 'http', stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port that stripe-mock says it answers HTTP on, once it does. */
function portOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (what: string): void => reject(new Error(`stripe-mock ${what}. It said: ${said.trim()}`));
    const timer = setTimeout(() => fail(`did not listen within ${startTimeoutMs} ms`), startTimeoutMs);
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const port = /Listening for HTTP at address: \S+:(\d+)\n/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      child.stdout.off('data', listen).resume();
      child.stderr.off('data', listen).resume();
      resolve(Number(port));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended at once with code ${code}`);
    });
  });
}
