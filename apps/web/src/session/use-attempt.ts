import { useState } from 'react';
import { type Failure, failureOf } from './failure.ts';
import { useSecondsLeft } from './use-seconds-left.ts';

/** Work that one asks for and waits for: whether it runs, why it did not succeed, and whether the server wants to be left alone until later. */
export function useAttempt() {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const isWaiting = useSecondsLeft(failure?.until ?? null) > 0;
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailure(undefined);
    await work().catch((thrown: unknown) => setFailure(failureOf(thrown)));
    setBusy(false);
  };
  return { run, isBusy, isWaiting, failure, forget: () => setFailure(undefined) };
}
