import { launch as launchProcess, stopProcess } from '@rialto/engines';
import { backOff } from './back-off.mjs';

const STOP_GRACE_MS = 6_000;
/** A service that cannot even begin says so in its first lines; trying for ever would hide it. */
const EARLY_FAILURES = 4;

/**
 * Keeps one process running: starts it again, with back-off, when it ends by itself.
 * @param {object} options
 * @param {string} options.name
 * @param {string} options.folder where its code lies, for whoever watches the files
 * @param {(line: string) => void} options.say
 * @param {(pid: number) => void} options.onStarted what it throws is told and changes nothing: the process is there
 * @param {(reason: string) => void} options.onHopeless called when it fails again and again before it ever was healthy
 * @param {AbortSignal} [options.signal] aborted, nothing is started again
 */
export function supervise({ name, folder, command, args, options, say, onStarted, onHopeless, signal, launch = launchProcess }) {
  const pause = backOff();
  let current;
  let isWanted = true;
  let isStopped = false;
  let timer;

  const begin = () => {
    const began = Date.now();
    current = launch(command, args, options);
    void current.exited.then((end) => handleEnd(describe(end), Date.now() - began));
    if (current.pid !== undefined) tellStarted(name, current.pid, { say, onStarted });
  };
  const handleEnd = (end, livedMs) => {
    if (!isWanted || signal?.aborted) return;
    const waitMs = pause.next(livedMs);
    if (pause.failures >= EARLY_FAILURES) onHopeless?.(`${name} ends again and again (${end}):\n${lastLines(current.output())}`);
    say(`${name} stopped unexpectedly (${end}); it is started again in ${waitMs / 1000} s.`);
    timer = setTimeout(beginAgain, waitMs);
  };
  /** Not even the launch may succeed, for want of a file or of a process; that is one more failure. */
  const beginAgain = () => {
    try {
      begin();
    } catch (error) {
      handleEnd(error.message, 0);
    }
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
      beginAgain();
    },
    stop: async () => {
      isStopped = true;
      isWanted = false;
      clearTimeout(timer);
      await stopProcess(current, { graceMs: STOP_GRACE_MS });
    },
  };
}

function tellStarted(name, pid, { say, onStarted }) {
  try {
    onStarted(pid);
  } catch (error) {
    say(`${name} runs as process ${pid}, which could not be noted: ${error.message}`);
  }
}

const describe = (end) => (typeof end === 'string' ? `signal ${end}` : `status ${end}`);
const lastLines = (text, count = 12) => text.trim().split('\n').slice(-count).join('\n');
