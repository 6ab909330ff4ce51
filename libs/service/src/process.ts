import { EnvironmentError } from './environment.ts';

/** Longer than requests may take to drain; then the process ends anyway. */
const STOP_LIMIT_MS = 10_000;

export interface Running {
  stop(): Promise<void>;
}

/**
 * The life of a process: start, then SIGTERM or SIGINT, then stop in order. What is wrong with the environment is printed as a table. An
 * error that nobody caught ends the process, because its state is unknown; whoever supervises it starts a new one.
 */
export async function runProcess(name: string, start: () => Promise<Running>): Promise<void> {
  let running: Running;
  try {
    running = await start();
  } catch (error) {
    const text =
      error instanceof EnvironmentError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${name} cannot start. ${text}\n`);
    process.exit(1);
  }
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await running.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

const PATIENCE_MS = 30_000;
const TRY_EVERY_MS = 250;

/** Engines may start beside us: tries again for half a minute while `isAway` says that the failure is only that. */
export async function withPatience<T>(attempt: () => Promise<T>, isAway: (error: unknown) => boolean): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() >= end || !isAway(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  }
}
