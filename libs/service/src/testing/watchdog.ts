import { spawn } from 'node:child_process';

const WATCH =
  'while kill -0 "$0" 2>/dev/null && kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -0 "$1" 2>/dev/null && kill -QUIT "$1"';

/** Ends an engine when this process is gone, however it went: a test run that is killed has no time to stop what it started. */
export function endWithUs(enginePid: number): void {
  spawn('sh', ['-c', WATCH, String(process.pid), String(enginePid)], { detached: true, stdio: 'ignore' }).unref();
}
