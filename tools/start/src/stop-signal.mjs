import { endDescendants } from './descendants.mjs';

/** A terminal's Ctrl-C arrives once from the terminal and once more from each process that passes it on; within this time they are one. */
const SAME_SIGNAL_MS = 1_500;
/** When nothing is left to wait for, stopping in order has only its own files to put away. */
const PUT_AWAY_MS = 1_000;

/**
 * Calls `stop` once, when this process is told to end or when the process that handed over to it is gone, and exits with the code that it gives.
 * Whoever insists is obeyed at once: then every child is ended where it stands, and the code is 1. An error that nobody caught is a reason to stop
 * too, with the code 1: without this process nobody would look after its children, so no way out of here leaves one behind.
 * @param {(reason: string) => Promise<number>} stop resolves to the exit code
 */
export function onStopSignal(stop) {
  let firstAt;
  let stopped;
  let isInsisted = false;
  let isBroken = false;
  const handle = (reason) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stopped = stop(reason).catch(endAfterFailure);
      void stopped.then((code) => {
        if (!isInsisted) process.exit(isBroken ? 1 : code);
      });
    } else if (Date.now() - firstAt > SAME_SIGNAL_MS && !isInsisted) {
      isInsisted = true;
      void endAtOnce(reason, stopped);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => handle(signal));
  const handleError = (error) => {
    if (isBroken) return; // What follows from the first error says nothing new.
    isBroken = true;
    console.error(error?.stack ?? error);
    handle('an error that was not expected');
  };
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, handleError);
  if (process.channel) {
    process.on('disconnect', () => handle('the process that started this one is gone'));
    // The channel is only there to be lost; it must not keep a finished program alive.
    process.channel.unref();
  }
}

async function endAtOnce(reason, stopped) {
  console.log(`${reason} again; ending everything at once.`);
  await endDescendants();
  await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, PUT_AWAY_MS))]);
  // Whatever was being started while the rest ended.
  const left = await endDescendants();
  if (left.length > 0) console.error(`These processes could not be ended: ${left.join(', ')}`);
  process.exit(1);
}

async function endAfterFailure(error) {
  console.error(`Stopping failed: ${error.stack ?? error}`);
  await endDescendants();
  return 1;
}
