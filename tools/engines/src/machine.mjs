import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What a process was started with, as one line; undefined when it is gone. Debian's smallest images have no `ps`, so Linux asks /proc. */
export function commandOf(pid) {
  if (process.platform === 'linux') {
    try {
      if (processState(pid) === 'Z') return undefined;
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return undefined; // No such process.
    }
  }
  try {
    return (
      execFileSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() ||
      undefined
    );
  } catch {
    return undefined; // `ps` fails when there is no such process.
  }
}

/** When a process began, in a form that only equals itself: with the number it names one process for good, since numbers come round. */
export function beginningOf(pid) {
  try {
    if (process.platform === 'linux') return statFields(pid)[19];
    return (
      execFileSync('ps', ['-p', String(pid), '-o', 'lstart='], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || undefined
    );
  } catch {
    return undefined; // No such process.
  }
}

/** The fields of proc(5)'s stat after the name, which may itself hold spaces and brackets: [0] is the state, [19] the start time. */
function statFields(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
const processState = (pid) => statFields(pid)[0];

/** Whether a user may enter this folder and all its parents. Folders that do not exist yet will be made by us, and enterable. */
export function isEnterableBy(dir, { uid, gid }) {
  for (let at = path.resolve(dir); ; at = path.dirname(at)) {
    if (fs.existsSync(at)) {
      const { mode, uid: owner, gid: group } = fs.statSync(at);
      const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (at === path.dirname(at)) return true;
  }
}
