import type { CallView } from '@rialto/contracts';
import { useCallback, useEffect, useRef, useState } from 'react';
import { type Failure, failureOf, notifyFailure } from './failure.ts';
import { mergeCalls, oldestRead } from './merge-calls.ts';
import { useClient, useSession } from './state.ts';

const PAGE = 50;

export interface CallList {
  /** Newest first; null until the first page was read. */
  readonly calls: readonly CallView[] | null;
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Why the first page could not be read. */
  readonly failure: Failure | null;
  retry(): void;
  loadOlder(): Promise<void>;
}

/** The account's calls: the newest page, read again whenever a call changes, and older ones on demand. */
export function useCalls(): CallList {
  const client = useClient();
  const version = useSession((session) => session.callVersion);
  const [calls, setCalls] = useState<readonly CallView[] | null>(null);
  const [hasOlder, setHasOlder] = useState(false);
  const [isLoadingOlder, setLoadingOlder] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const isFirst = useRef(true);

  useEffect(() => {
    let isCurrent = true;
    client.calls.history({ limit: PAGE }).then(
      (page) => {
        if (!isCurrent) return;
        setFailure(null);
        if (isFirst.current) setHasOlder(page.length === PAGE);
        isFirst.current = false;
        setCalls((known) => mergeCalls(known ?? [], page));
      },
      (thrown: unknown) => isCurrent && setFailure(failureOf(thrown)),
    );
    return () => {
      isCurrent = false;
    };
  }, [client, version, attempt]);

  const before = oldestRead(calls ?? []);
  const loadOlder = useCallback(async () => {
    if (before === undefined) return;
    setLoadingOlder(true);
    try {
      const page = await client.calls.history({ before, limit: PAGE });
      setHasOlder(page.length === PAGE);
      setCalls((known) => mergeCalls(known ?? [], page));
    } catch (thrown) {
      notifyFailure(thrown, () => void loadOlder());
    }
    setLoadingOlder(false);
  }, [client, before]);
  const retry = useCallback(() => setAttempt((now) => now + 1), []);
  return { calls, hasOlder, isLoadingOlder, failure, retry, loadOlder };
}
