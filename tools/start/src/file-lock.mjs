import fs from 'node:fs';

/** While another process looks at a lock whose owner is gone, which takes it less than a millisecond. */
const LOOK_AGAIN_MS = 2;

/**
 * Takes a lock that is a file, for as long as this process lives or until it is released. A lock whose owner is gone is taken over.
 *
 * A name cannot be removed on the condition that it still means the same file. Two processes that find one stale lock could therefore both
 * remove "it": the second one the first one's own. So a stale lock is removed only by who holds a second lock, `<file>.stale`, and looked at it
 * again since; while a stale lock is there nobody can take it, and nobody else removes it. That second lock may be left behind too, by who was
 * killed in that very moment; then it is taken in the same way.
 * @param {string} file
 * @param {{ pid: number }} owner what the file shall say, as JSON; `isAlive` must know the owner by it
 * @param {(owner: object) => boolean} isAlive
 * @returns {{ holder?: object, release: () => void }} `holder` is what the file says when somebody else has it
 */
export function takeFileLock(file, owner, isAlive) {
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    while (!linked(draft, file)) {
      const holder = ownerOf(file);
      if (holder && isAlive(holder)) return { holder, release: () => {} };
      if (holder !== undefined) removeStale(file, owner, isAlive);
    }
  } finally {
    fs.rmSync(draft, { force: true });
  }
  return {
    release: () => {
      if (JSON.stringify(ownerOf(file)) === JSON.stringify(owner)) fs.rmSync(file, { force: true });
    },
  };
}

function removeStale(file, owner, isAlive) {
  const { holder, release } = takeFileLock(`${file}.stale`, owner, isAlive);
  if (holder) return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  try {
    const left = ownerOf(file);
    // Where there is no file any more, somebody may take the lock at this moment: then there is nothing to remove.
    if (left !== undefined && (left === null || !isAlive(left))) fs.rmSync(file, { force: true });
  } finally {
    release();
  }
}

/** A hard link either appears with its whole content or fails because the name exists: creating the file and filling it would be two steps. */
function linked(from, to) {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when there is no such file; null when it is damaged: then nobody can be shown to hold it. */
function ownerOf(file) {
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
