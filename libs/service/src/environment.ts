import * as z from 'zod';

/** What is wrong with the environment, as a table for whoever starts the process. Values are never part of it: they may be secrets. */
export class EnvironmentError extends Error {
  constructor(problems: readonly (readonly [variable: string, problem: string])[]) {
    const width = Math.max(...problems.map(([variable]) => variable.length));
    const rows = problems.map(([variable, problem]) => `  ${variable.padEnd(width)}  ${problem}`);
    super(`The environment is not complete:\n${rows.join('\n')}`);
    this.name = 'EnvironmentError';
  }
}

/** Parses the environment once into a typed object. An empty variable counts as absent. Throws `EnvironmentError`. */
export function parseEnvironment<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problemOf = (issue: z.core.$ZodIssue): [string, string] => {
    const variable = String(issue.path[0] ?? '');
    return [variable, Object.hasOwn(given, variable) ? issue.message : 'is missing'];
  };
  throw new EnvironmentError(parsed.error.issues.map(problemOf));
}

const KEY_BYTES = 32;
/** 32 bytes as base64url, as bytes. */
export const KeyVariable = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes as base64url')
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64url')))
  .refine((bytes) => bytes.length === KEY_BYTES, 'must be 32 bytes as base64url');
export const PortVariable = z.coerce.number().int().min(0).max(65_535);
/** `a, b` as a list without empty members. */
export const ListVariable = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** What every process of Rialto is told. */
export const ProcessEnvironment = z.object({
  RIALTO_NATS_URL: z.string().regex(/^(nats|tls):\/\//, 'must be a nats:// address'),
  RIALTO_NATS_SEED: z.string().regex(/^SU[A-Z2-7]{56}$/, "must be a user's nkey seed"),
  RIALTO_TOKEN_PUBLIC_KEY: KeyVariable,
  RIALTO_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  RIALTO_METRICS_PORT: PortVariable.optional(),
  NODE_ENV: z.string().optional(),
});
export type ProcessEnvironment = z.output<typeof ProcessEnvironment>;

export const ServiceEnvironment = ProcessEnvironment.extend({
  RIALTO_DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgres:// address'),
});
export type ServiceEnvironment = z.output<typeof ServiceEnvironment>;
