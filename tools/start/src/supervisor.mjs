import { launch, stopProcess } from '@rialto/engines';

const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 10_000;
/** A process that lived this long was healthy: the next failure begins with the first back-off again. */
const HEALTHY_AFTER_MS = 20_000;
const STOP_GRACE_MS = 6_000;
/** A service that cannot even begin says so in its first lines; trying for ever would hide it. */
const EARLY_FAILURES = 4;

/**
 * Keeps one process running: starts it again, with back-off, when it ends by itself.
 * @param {object} options
 * @param {string} options.name
 * @param {string} options.folder where its code lies, for whoever watches the files
 * @param {(line: string) => void} options.say
 * @param {(pid: number) => void} options.onStarted
 * @param {(reason: string) => void} options.onHopeless called once when it fails again and again before it ever was healthy
 */
export function supervise({ name, folder, command, args, options, say, onStarted, onHopeless }) {
  let current;
  let isWanted = true;
  let isStopped = false;
  let failures = 0;
  let timer;

  const begin = () => {
    const began = Date.now();
    current = launch(command, args, options);
    if (current.pid !== undefined) onStarted(current.pid);
    void current.exited.then((end) => {
      if (!isWanted) return;
      failures = Date.now() - began > HEALTHY_AFTER_MS ? 1 : failures + 1;
      if (failures >= EARLY_FAILURES)
        onHopeless?.(`${name} ends again and again (${describe(end)}):\n${lastLines(current.output())}`);
      const waitMs = Math.min(FIRST_BACK_OFF_MS * 2 ** (failures - 1), LONGEST_BACK_OFF_MS);
      say(`${name} stopped unexpectedly (${describe(end)}); it is started again in ${waitMs / 1000} s.`);
      timer = setTimeout(begin, waitMs);
    });
  };
  begin();

  return {
    name,
    folder,
    get pid() {
      return current.pid;
    },
    output: () => current.output(),
    /** Ends the process from outside, as a crash would; it is then started again. */
    kill: (signal = 'SIGKILL') => current.child.kill(signal),
    /** Ends it politely and starts it again at once; resolves when the new one runs. */
    restart: async () => {
      isWanted = false;
      clearTimeout(timer);
      await stopProcess(current, { graceMs: STOP_GRACE_MS });
      if (isStopped) return; // Told so meanwhile: a process that begins now would outlive us.
      isWanted = true;
      begin();
    },
    stop: async () => {
      isStopped = true;
      isWanted = false;
      clearTimeout(timer);
      await stopProcess(current, { graceMs: STOP_GRACE_MS });
    },
  };
}

const describe = (end) => (typeof end === 'string' ? `signal ${end}` : `status ${end}`);
const lastLines = (text, count = 12) => text.trim().split('\n').slice(-count).join('\n');
