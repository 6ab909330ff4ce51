import fs from 'node:fs';
import { recordProcess } from './data-directory.mjs';

/**
 * Notes what runs: for the next start, which ends what this one leaves behind when it is killed, and in a file for tests and `npm run demo`.
 * A disk that takes no notes is told and stops nothing: what could not be noted is noted with the next process.
 * @param {(line: string) => void} say
 */
export function runningState(paths, say) {
  const processes = new Map();
  const unnoted = [];
  let facts = {};
  const write = () => {
    const part = `${paths.state}.part`;
    const list = [...processes].map(([name, pid]) => ({ name, pid }));
    fs.writeFileSync(part, JSON.stringify({ ...facts, processes: list }, null, 2), { mode: 0o600 });
    fs.renameSync(part, paths.state);
  };
  const note = () => {
    try {
      for (; unnoted.length > 0; unnoted.shift()) recordProcess(paths, ...unnoted[0]);
      write();
    } catch (error) {
      say(
        `What runs cannot be noted in ${paths.dataDir} (${error.message}); if this start is killed, the next may not find all of it.`,
      );
    }
  };
  return {
    /** Never throws: whoever has just started a process must go on to look after it. */
    started: (name, pid) => {
      processes.set(name, pid);
      unnoted.push([name, pid]);
      note();
    },
    describe: (more) => {
      facts = more;
      note();
    },
  };
}
