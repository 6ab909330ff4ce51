import type { CallSurface, RialtoClient } from '@rialto/client';
import { failureOf } from './failure.ts';
import { mayHaveAccount } from './has-account.ts';
import { notify, type Phase, useSession } from './state.ts';
import { sayError, sayProblem } from './words.ts';

/** Everything with cryptography in it is a chunk of its own: the first paint does not wait for it. */
const loadSdk = () => import('./sdk.ts');

/** Under way while the account is looked for: registering waits for it, since both use the same store. */
let opening: Promise<void> = Promise.resolve();

/**
 * Opens the account that this browser holds, or shows the welcome. A browser without one sees the welcome at once, and everything else comes
 * while it is read; `loadScreens` brings what is shown after it.
 */
export function openSession(loadScreens: () => Promise<unknown> = async () => undefined): Promise<void> {
  opening = open(loadScreens);
  return opening;
}
async function open(loadScreens: () => Promise<unknown>): Promise<void> {
  const isNewcomer = !(await mayHaveAccount());
  if (isNewcomer) useSession.setState({ phase: { name: 'welcome' } });
  try {
    const [sdk] = await Promise.all([loadSdk(), loadScreens()]);
    const opened = await sdk.openAccount();
    if (opened === 'no-account') useSession.setState({ phase: { name: 'welcome' } });
    else if (opened === 'elsewhere') useSession.setState({ phase: { name: 'elsewhere' } });
    else await begin(opened, await firstPhase(opened));
  } catch (thrown) {
    // Whoever reads the welcome goes on reading: registering needs the same and says what is wrong.
    if (!isNewcomer) useSession.setState({ phase: { name: 'failed', sentence: sayError(thrown) } });
  }
}

/** Takes the account over from the tab that has it. */
export async function takeOver(): Promise<void> {
  useSession.setState({ phase: { name: 'loading' } });
  try {
    await (await loadSdk()).takeOver();
  } catch (thrown) {
    return useSession.setState({ phase: { name: 'failed', sentence: sayError(thrown) } });
  }
  await openSession();
}

/** Makes an account. Throws what the form should say. */
export async function register(handle: string, displayName: string): Promise<void> {
  await opening;
  const sdk = await loadSdk();
  const { client, recoveryPhrase } = await sdk.registerAccount(handle, displayName);
  await begin(client, { name: 'phrase', phrase: recoveryPhrase });
}

/** Words that nobody has said they have: the page was left before, and they are shown now. */
async function firstPhase(client: RialtoClient): Promise<Phase> {
  const phrase = await client.recoveryPhrase();
  return phrase === null ? { name: 'ready' } : { name: 'phrase', phrase };
}

/** The person has the words: this browser keeps them no longer. */
export async function leavePhrase(): Promise<void> {
  try {
    await useSession.getState().client?.forgetRecoveryPhrase();
  } catch (thrown) {
    return notify(sayError(thrown), 'danger');
  }
  useSession.setState({ phase: { name: 'ready' } });
}

export async function checkHandle(handle: string) {
  return (await loadSdk()).checkHandle(handle);
}

/** Shows what is stored at once; what the server knows follows, and may be long in coming. */
async function begin(client: RialtoClient, phase: Phase): Promise<void> {
  listen(client);
  useSession.setState({
    client,
    account: client.account,
    connection: client.connection.state,
    phase,
    balances: verified(client),
  });
  await refreshConversations(client);
  await refreshWallet(client);
}

/** What this device has verified, now or when it was last online; null when it has not read the ledger yet. */
const verified = ({ wallet }: RialtoClient) => (wallet.balances.length > 0 ? [...wallet.balances] : null);

/** Reads the ledger. When it cannot be read, what was verified before stays, and `walletFailure` says why it is not fresh. */
export async function refreshWallet(client: RialtoClient): Promise<void> {
  useSession.setState({ walletFailure: null });
  try {
    await client.wallet.refresh();
  } catch (thrown) {
    useSession.setState({ walletFailure: failureOf(thrown) });
  }
  useSession.setState({ balances: verified(client) });
}

function listen(client: RialtoClient): void {
  client.on('connection.changed', ({ state }) => {
    useSession.setState({ connection: state });
    if (state === 'elsewhere') useSession.setState({ phase: { name: 'elsewhere' } });
  });
  addEventListener('offline', () => client.connection.networkChanged(false));
  addEventListener('online', () => client.connection.networkChanged(true));
  client.on('account.changed', () => useSession.setState({ account: { ...client.account } }));
  client.on('conversations.changed', () => void refreshConversations(client));
  client.on('message.changed', () => void refreshConversations(client));
  client.on('person.changed', () => void refreshConversations(client));
  client.on('wallet.changed', () => useSession.setState({ balances: verified(client), walletFailure: null }));
  client.on('call.incoming', (call) => showCall(call));
  client.on('call.changed', (call) => showCall(call));
  client.on('problem', ({ code }) => {
    const said = sayProblem(code);
    if (said) notify(said.text, said.tone);
  });
}

let refreshing: Promise<void> | undefined;
let isStale = false;

/** One read at a time; what changes meanwhile is read once more after it. */
export async function refreshConversations(client: RialtoClient): Promise<void> {
  isStale = true;
  refreshing ??= (async () => {
    try {
      while (isStale) {
        isStale = false;
        useSession.setState({ conversations: await client.conversations.list(), conversationsFailure: null });
      }
    } catch (thrown) {
      useSession.setState({ conversationsFailure: sayError(thrown) });
      if (useSession.getState().conversations) notify(sayError(thrown)); // the list that is shown stays
    } finally {
      refreshing = undefined;
    }
  })();
  await refreshing;
}

/** Keeps what the call screen shows: one call, and one more that knocks meanwhile. */
export function showCall(changed: CallSurface): void {
  useSession.setState(({ call, waitingCall, callVersion }) => {
    const isOver = changed.state === 'ended';
    if (!call || call.id === changed.id) return { call: changed, callVersion: callVersion + 1 };
    const stillWaiting = waitingCall?.id === changed.id ? null : waitingCall;
    if (call.state === 'ended' && !isOver) return { call: changed, waitingCall: stillWaiting, callVersion: callVersion + 1 };
    if (isOver) return { waitingCall: stillWaiting, callVersion: callVersion + 1 };
    return { waitingCall: changed, callVersion: callVersion + 1 };
  });
}

/** Leaves the screen of a call that is over; a call that knocked and still rings takes its place. */
export function leaveCall(): void {
  useSession.setState(({ waitingCall, callVersion }) => ({
    call: waitingCall?.state === 'ended' ? null : waitingCall,
    waitingCall: null,
    callVersion: callVersion + 1,
  }));
}
