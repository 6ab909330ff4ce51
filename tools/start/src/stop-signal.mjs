/** A terminal's Ctrl-C arrives once from the terminal and once more from each process that passes it on; within this time they are one. */
const SAME_SIGNAL_MS = 1_500;

/**
 * Calls `stop` once, when this process is told to end or when the process that handed over to it is gone. Whoever insists is obeyed at once.
 * @param {(reason: string) => Promise<void>} stop
 */
export function onStopSignal(stop) {
  let firstAt;
  const handle = (reason) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      void stop(reason);
    } else if (Date.now() - firstAt > SAME_SIGNAL_MS) {
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => handle(signal));
  if (process.channel) {
    process.on('disconnect', () => handle('the process that started this one is gone'));
    // The channel is only there to be lost; it must not keep a finished program alive.
    process.channel.unref();
  }
}
