/** Types of the plain JavaScript beside this file, for the TypeScript that uses it. */
export interface SystemService {
  /** `messaging`, or `messaging-2` for the second replica. */
  name: string;
  readonly pid: number;
  /** Ends the process as a crash would (SIGKILL unless told otherwise); it is started again by itself. */
  kill(signal?: NodeJS.Signals): void;
  /** Ends it politely and starts it again. */
  restart(): Promise<void>;
}

export interface System {
  /** Of the first gateway, which also serves the web client. */
  url: string;
  gatewayUrls: string[];
  services: SystemService[];
  engines: { name: string; readonly pid: number; kill(signal?: NodeJS.Signals): void }[];
  /** The superuser's. */
  postgresUrl: string;
  natsUrl: string;
  /** A JSON file that always says what runs where: `{ url, gatewayUrls, postgresUrl, natsUrl, dataDir, processes: [{ name, pid }] }`. */
  stateFile: string;
  logsDir: string;
  /** What is simulated, and what is off with the command that helps; each a sentence. */
  notes: { simulated: string[]; off: string[] };
  /** Runs what migrations there are by now. */
  bringDatabaseUpToDate(): Promise<void>;
  /** Writes NATS's configuration when what it is made from is newer, and lets NATS read it again when it is another one. */
  renewPermissions(): Promise<void>;
  stop(): Promise<void>;
}

export interface SystemOptions {
  /** Of the first gateway; others take free ones. */
  port: number;
  host?: string;
  /** An absolute path. */
  dataDir: string;
  /** How many processes of a service, one unless named here. */
  replicas?: Partial<Record<'gateway' | 'identity' | 'messaging' | 'calls' | 'payments', number>>;
  /** Gets each line of progress; nothing is printed. */
  say?: (line: string) => void;
  /** Environment for the services in addition to ours. */
  env?: Record<string, string>;
  /** Where addresses of engines and keys are looked for. Without it nothing that is called `RIALTO_…` in this process's environment counts. */
  operatorEnv?: Record<string, string | undefined>;
  /** Build and serve the web client; true unless told otherwise. */
  web?: boolean;
  /** Aborted, a start that is under way gives up and undoes itself, and nothing that ends is started again. */
  signal?: AbortSignal;
}
/** @throws `StartProblem` with one sentence for a person when a port is taken or the data are in use. */
export function startSystem(options: SystemOptions): Promise<System>;
