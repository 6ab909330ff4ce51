/** Types of the plain JavaScript beside this file, for the TypeScript that uses it. */
export interface Found {
  path: string;
  version: string;
  how: string;
  env?: Record<string, string>;
  missing?: undefined;
}
export interface Missing {
  missing: true;
  why: string[];
  /** The one command that helps. */
  help: string;
}
export class EngineProblem extends Error {}
export type Say = (line: string) => void;

interface Running {
  pid: number;
  port: number;
  exited: Promise<number | string>;
  stop(): Promise<void>;
}

export interface Postgres extends Running {
  /** The superuser's URL, database `postgres`. */
  url: string;
  user: string;
  password: string;
  version: string;
  dataDir: string;
  log(): string;
}
export function startPostgres(options: {
  dataDir: string;
  settings?: Record<string, string | number>;
  port?: number;
  logFile?: string;
}): Promise<Postgres>;
export function postgresDataDir(dataDir: string): string;
export function removePostgresData(dataDir: string): Promise<void>;

export interface Nats extends Running {
  url: string;
  version?: string;
  configFile: string;
  /** Reads the configuration file again. */
  reload(): void;
}
export function startNats(options?: {
  config?: string;
  configFile?: string;
  port?: number;
  binary?: string;
  logFile?: string;
  say?: Say;
}): Promise<Nats>;
export function findNats(say?: Say): Promise<Found | Missing>;

export interface Turn extends Running {
  urls: string[];
  secret: string;
}
export function startTurn(options?: {
  program?: Found;
  address?: string;
  port?: number;
  secret?: string;
  logFile?: string;
  say?: Say;
}): Promise<Turn>;
export function findTurn(say?: Say): Promise<Found | Missing>;
export function findChromium(options?: { say?: Say; mayFetch?: boolean }): Promise<Found | Missing>;

export const NATS_MAX_PAYLOAD_BYTES: number;
export function cacheDir(): string;
export function freePort(host?: string): Promise<number>;
export function isPortFree(port: number, host?: string): Promise<boolean>;
