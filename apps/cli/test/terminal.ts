import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../../..');

/** How a program ended, and all that it printed. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

type OnOutput = (output: string, send: (signal: NodeJS.Signals) => void) => void;
/** Runs a program of the repository as a person would, with more environment and what they type; `onOutput` and `onErrors` get all that was printed so far. */
export function runProgram(
  args: readonly string[],
  {
    env = {},
    input = '',
    onOutput,
    onErrors,
  }: { env?: Record<string, string>; input?: string; onOutput?: OnOutput; onErrors?: OnOutput } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += String(data);
    onOutput?.(output, (signal) => child.kill(signal));
  });
  child.stderr.on('data', (data) => {
    errors += String(data);
    onErrors?.(errors, (signal) => child.kill(signal));
  });
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, output, errors }));
  });
}

/** The address of the system under test. */
export function systemUrl(): string {
  const url = process.env['RIALTO_E2E_URL'];
  if (url === undefined) throw new Error('RIALTO_E2E_URL names no system: run `npm test -- end-to-end`.');
  return url;
}
