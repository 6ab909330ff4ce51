import { ClientError } from '../client-error.ts';
import { BROWSER_STORE } from '../place-of-account.ts';

const TAKE_OVER_PATIENCE_MS = 4_000;

/** The right to write, which one tab of a browser has. */
export interface WriterLock {
  /** Ends when another tab asked for the right, or took it. */
  readonly lost: AbortSignal;
  release(): void;
}

/** Takes the right to write. Throws `ClientError('elsewhere')` when another tab has it. */
export async function takeWriterLock(name: string): Promise<WriterLock> {
  const lost = new AbortController();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await new Promise<void>((resolve, reject) => {
    const request = navigator.locks.request(lockName(name), { ifAvailable: true }, (lock) => {
      if (!lock) return reject(new ClientError('elsewhere'));
      resolve();
      return held;
    });
    // Rejects when another tab takes the lock by force, because this one did not answer.
    request.catch(() => lost.abort());
  });
  const channel = new BroadcastChannel(lockName(name));
  channel.addEventListener('message', ({ data }) => {
    if (data === 'take-over') lost.abort();
  });
  return {
    lost: lost.signal,
    release: () => {
      channel.close();
      release();
    },
  };
}

/** Asks the tab that has the right to give it up, and resolves when it did, or when it did not answer and lost it. */
export async function requestTakeOver({ name = BROWSER_STORE }: { readonly name?: string } = {}): Promise<void> {
  const channel = new BroadcastChannel(lockName(name));
  channel.postMessage('take-over');
  const patience = AbortSignal.timeout(TAKE_OVER_PATIENCE_MS);
  try {
    await navigator.locks.request(lockName(name), { signal: patience }, () => undefined);
  } catch {
    // A tab that sleeps does not answer. It can write nothing any more: every write checks whose turn it is (see the store).
    await navigator.locks.request(lockName(name), { steal: true }, () => undefined);
  } finally {
    channel.close();
  }
}

const lockName = (name: string) => `rialto-writer/${name}`;
