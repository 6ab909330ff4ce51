import fs from 'node:fs';

/** Of one file; with the one before it, a process's log never takes more than twice this. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * Opens a log to append to. When it is full it becomes `<file>.1`, in the place of the one before it, and a new one begins. A disk that takes no
 * more is told once on standard error and ends nothing: what cannot be written is lost, and the log goes on when there is room again.
 * @returns {{ write: (data: Buffer) => void, close: () => void }}
 * @throws when the file cannot be opened now
 */
export function openLog(file, { maxBytes = MAX_LOG_BYTES, tell = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const open = () => fs.openSync(file, 'a', 0o600);
  let log = open();
  let size = fs.fstatSync(log).size;
  let isTold = false;

  const rotate = () => {
    fs.renameSync(file, `${file}.1`);
    fs.closeSync(log);
    log = undefined; // Until a new one is there: its number may be another file's by then.
    size = 0;
  };
  return {
    write: (data) => {
      try {
        if (size > 0 && size + data.length > maxBytes) rotate();
        log ??= open();
        size += fs.writeSync(log, data);
        isTold = false;
      } catch (error) {
        if (!isTold) tell(`The log ${file} cannot be written: ${error.message}`);
        isTold = true;
      }
    },
    close: () => {
      if (log !== undefined) fs.closeSync(log);
      log = undefined;
    },
  };
}
