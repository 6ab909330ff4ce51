import { delimiter } from 'node:path';
import * as z from 'zod';

/** What the simulator is told from outside. Read once, here, and nowhere else. */
export interface Config {
  /** Port on the loopback interface; 0 takes a free one. */
  port: number;
  /** Base of the checkout page as a browser sees it, without a trailing slash: `<base>/<session id>`. Empty: the simulator's own address. */
  publicUrl: string;
  /** The one secret key that is accepted. */
  key: string;
  /** The endpoint that is registered from the start; null registers none. */
  webhook: { url: string; secret: string } | null;
  /** Directory that keeps the state over a restart. */
  dataDir: string;
}

/** The configuration cannot be used. `problems` are sentences for a person; none repeats a secret. */
export class ConfigRefused extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The Stripe simulator does not start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigRefused';
    this.problems = problems;
  }
}

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });

const environment = z.object({
  RIALTO_STRIPE_SIM_PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(0),
  RIALTO_STRIPE_SIM_PUBLIC_URL: httpUrl.optional(),
  RIALTO_STRIPE_SIM_KEY: z
    .string({ error: 'is missing: the secret key to accept, such as sk_test_…' })
    .regex(/^(sk|rk)_test_\w{8,}$/, { error: 'must look like sk_test_… with at least 8 characters after it' }),
  RIALTO_STRIPE_SIM_WEBHOOK_URL: httpUrl.optional(),
  RIALTO_STRIPE_SIM_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_\w{16,}$/, { error: 'must look like whsec_… with at least 16 characters after it' })
    .optional(),
  RIALTO_STRIPE_SIM_DATA: z.string({ error: 'is missing: the directory for the simulated state' }).min(1),
});

/** Names of the variables that hold a live Stripe key, wherever in the value it stands. */
export function liveKeyVariables(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env).filter((name) => /(?:sk|rk)_live/.test(env[name] ?? ''));
}

/**
 * Parses the environment.
 * @throws {ConfigRefused} with every problem at once; always when a live key is near, because simulated and real money must never share a process tree.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const live = liveKeyVariables(env);
  if (live.length > 0) {
    throw new ConfigRefused(live.map((name) => `${name} holds a live Stripe key. Simulated money never runs beside real money.`));
  }
  // A variable that is set to nothing means the same as one that is not set.
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!parsed.success) throw new ConfigRefused(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`));
  const values = parsed.data;
  const url = values.RIALTO_STRIPE_SIM_WEBHOOK_URL;
  const secret = values.RIALTO_STRIPE_SIM_WEBHOOK_SECRET;
  if ((url === undefined) !== (secret === undefined)) {
    throw new ConfigRefused([
      'RIALTO_STRIPE_SIM_WEBHOOK_URL and RIALTO_STRIPE_SIM_WEBHOOK_SECRET belong together: set both or neither.',
    ]);
  }
  return {
    port: values.RIALTO_STRIPE_SIM_PORT,
    publicUrl: (values.RIALTO_STRIPE_SIM_PUBLIC_URL ?? '').replace(/\/+$/, ''),
    key: values.RIALTO_STRIPE_SIM_KEY,
    webhook: url !== undefined && secret !== undefined ? { url, secret } : null,
    dataDir: values.RIALTO_STRIPE_SIM_DATA,
  };
}

/** Where an independent stripe-mock may be found or built; see stripe-mock.ts. */
export interface StripeMockConfig {
  /** Directories that may hold `go`, in the order of search. */
  goDirs: string[];
  /** Where the built program is kept, outside the working tree. */
  cacheDir: string;
  /** In continuous integration nothing may be missing. */
  isCi: boolean;
  /** For Go's own settings. */
  env: NodeJS.ProcessEnv;
}

export function readStripeMockConfig(env: NodeJS.ProcessEnv = process.env): StripeMockConfig {
  const cacheHome = env['XDG_CACHE_HOME'] ?? `${env['HOME'] ?? '.'}/.cache`;
  return {
    goDirs: [...(env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin'].filter((directory) => directory !== ''),
    cacheDir: `${cacheHome}/rialto/stripe-mock`,
    isCi: (env['CI'] ?? '') !== '',
    env,
  };
}
