import type { Balance, CallSurface, ConnectionState, ConversationSummary, OwnAccount, RialtoClient } from '@rialto/client';
import { create } from 'zustand';
import type { Failure } from './failure.ts';

/** What the whole client hangs on. `phrase` lasts until the person says that the words are written down, over any number of visits. */
export type Phase =
  | { readonly name: 'loading' }
  | { readonly name: 'welcome' }
  | { readonly name: 'phrase'; readonly phrase: string }
  | { readonly name: 'ready' }
  | { readonly name: 'elsewhere' }
  | { readonly name: 'failed'; readonly sentence: string };

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'info' | 'danger';
  /** Until when the server wants to be left alone, and what may be tried again after that. */
  readonly until: number | null;
  readonly again: (() => void) | undefined;
}

interface Session {
  phase: Phase;
  client: RialtoClient | null;
  account: OwnAccount | null;
  connection: ConnectionState;
  /** null until they were read for the first time. */
  conversations: readonly ConversationSummary[] | null;
  /** Why the conversations could not be read, as a sentence. */
  conversationsFailure: string | null;
  /** null until the ledger was read for the first time on this device. */
  balances: readonly Balance[] | null;
  /** Why the balances are not fresh. */
  walletFailure: Failure | null;
  call: CallSurface | null;
  /** A second call that rings while one is going on. */
  waitingCall: CallSurface | null;
  /** Rises with every change of a call: calls are objects that change in place. */
  callVersion: number;
  notices: readonly Notice[];
}

export const useSession = create<Session>(() => ({
  phase: { name: 'loading' },
  client: null,
  account: null,
  connection: 'connecting',
  conversations: null,
  conversationsFailure: null,
  balances: null,
  walletFailure: null,
  call: null,
  waitingCall: null,
  callVersion: 0,
  notices: [],
}));

/** The client of a screen that exists only once there is one. */
export function useClient(): RialtoClient {
  const client = useSession((session) => session.client);
  if (!client) throw new Error('a signed-in screen without a client');
  return client;
}

const NOTICE_MS = 7_000;
const MAX_NOTICES = 3;
let lastNotice = 0;

/** Says something at the edge of the screen for some seconds. An alarm (`danger`) stays until it is closed. */
export function notify(
  text: string,
  tone: Notice['tone'] = 'info',
  { until = null, again }: Partial<Pick<Notice, 'until' | 'again'>> = {},
): void {
  if (useSession.getState().notices.some((notice) => notice.text === text)) return;
  const id = ++lastNotice;
  useSession.setState(({ notices }) => {
    const kept = [...notices, { id, text, tone, until, again }];
    const oldestInfo = kept.find((notice) => notice.tone === 'info');
    // Room is made at the cost of what would go by itself; alarms may be more than fit.
    return { notices: kept.length > MAX_NOTICES && oldestInfo ? kept.filter((notice) => notice !== oldestInfo) : kept };
  });
  const waitMs = until === null ? 0 : Math.max(0, until - Date.now());
  if (tone === 'info') setTimeout(() => dismissNotice(id), waitMs + NOTICE_MS);
}
export function dismissNotice(id: number): void {
  useSession.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}
