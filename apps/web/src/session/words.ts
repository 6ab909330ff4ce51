import type { Body, ConnectionState, Person, ProblemCode } from '@rialto/client';
import { duration } from './time.ts';

/** What people are called: the name they chose, else their handle, else a piece of their id. */
export const nameOf = (person: Pick<Person, 'displayName' | 'handle' | 'accountId'>): string =>
  person.displayName ?? (person.handle ? `@${person.handle}` : person.accountId.slice(0, 8));

const ERROR_WORDS: Record<string, string> = {
  'rate-limited': 'Too many tries in a short time. Wait a moment, then try again.',
  unavailable: 'The server cannot be reached just now. Nothing was done; try again in a moment.',
  'outcome-unknown': 'The server did not answer in time. It is safe to try again.',
  internal: 'Something broke on the server. Try again; if it stays, tell whoever runs it.',
  'not-found': 'Nobody here has that handle.',
  'not-reachable': 'This person does not take that from you.',
  'request-full': 'Wait until they accept the conversation before you write more.',
  'insufficient-funds': 'Your balance does not cover that. Add money first.',
  'limit-exceeded': 'That is over your limit for one payment or for today.',
  'account-frozen': 'One of the two accounts is frozen. Ask whoever runs this server.',
  'currency-unknown': 'This server does not keep that currency.',
  'intent-expired': 'That took too long, so nothing was sent. Confirm again.',
  'processor-unavailable': 'The payment processor does not answer. Nothing was charged; try again later.',
  'handle-taken': 'Somebody has this handle, or had it once. Choose another.',
  'handle-reserved': 'This handle is reserved. Choose another.',
  'device-revoked': 'This device was removed from the account.',
  'call-ended': 'The call is over.',
  'call-elsewhere': 'Another of your devices took the call.',
  busy: 'You are in another call.',
  offline: 'You are offline.',
  'keys-changed': 'This person’s keys changed in a way that should not happen. Compare the safety number first.',
  'not-a-member': 'You are no longer in this conversation.',
  'not-opened': 'The conversation could not be opened.',
};

/** A sentence that says what happened and what to do, for anything that was thrown. */
export function sayError(thrown: unknown): string {
  const { code, message } = (thrown ?? {}) as { code?: string; message?: string };
  if (code && ERROR_WORDS[code]) return ERROR_WORDS[code];
  if (code && message && message !== code) return message;
  return 'That did not work. Try again; if it stays, reload the page.';
}
export const sayCode = (code: string | undefined): string => sayError({ code });

/** How long one has to wait, in seconds. */
export function sayWait(seconds: number): string {
  if (seconds <= 0) return 'You can try again now.';
  return `Try again in ${seconds < 60 ? `${seconds} s` : duration(seconds * 1_000)}.`;
}

export const CONNECTION_WORDS: Record<Exclude<ConnectionState, 'online'>, string> = {
  connecting: 'Connecting…',
  offline: 'You are offline. What you write is kept and sent when you are back.',
  'signed-out': 'The server does not let this page connect. If a reload does not help, tell whoever runs it.',
  revoked: 'This device was removed from your account. Nothing new will arrive here.',
  elsewhere: 'Rialto is open in another tab. This one waits.',
};

/** Told by a banner and in the conversation, for as long as they last; a notice would say them twice. */
export const SHOWN_IN_PLACE = [
  'device-revoked',
  'socket-refused',
  'conversation-needs-repair',
] as const satisfies readonly ProblemCode[];

type Told = Exclude<ProblemCode, (typeof SHOWN_IN_PLACE)[number]>;
/** Every problem has words: one that is added to the SDK does not compile here before it has some. */
export const PROBLEM_WORDS: Readonly<Record<Told, string>> = {
  'statement-forged': 'The server showed a statement that does not add up. Do not trust its balance, and keep this message.',
  'debit-without-intent': 'Money left your account without your signature. Ask whoever runs this server.',
  'ledger-key-changed': 'The server’s ledger changed its key. Receipts from now on do not fit the earlier ones.',
  'receipt-invalid': 'The server gave a receipt that does not verify.',
  'payment-refused': 'A payment that waited for an answer was refused. Nothing was sent.',
  'person-keys-rolled-back': 'The server showed older keys of somebody than before. Compare safety numbers before you write.',
  'person-keys-forked': 'The server showed two different sets of keys for one person. Compare safety numbers before you write.',
  'history-differs': 'Somebody in a conversation was shown another history than you.',
  'log-rewritten': 'The server changed the history of a conversation.',
  'statement-unreadable': 'A part of your statement could not be read, so the balance may be old. Open the wallet and try again.',
  'welcomed-by-last-resort':
    'You were added to a conversation with a key that is kept for emergencies. Nothing is lost; it is replaced by itself.',
  'background-work-failed': 'Something in the background did not work. If what you see looks old, reload the page.',
};

/** What nobody has to act upon goes by itself; everything else is an alarm and stays until it is closed. */
const PASSING: readonly ProblemCode[] = ['statement-unreadable', 'welcomed-by-last-resort', 'background-work-failed'];

/** What a notice says of a problem and how long it stays; null when it is shown in place. */
export function sayProblem(code: ProblemCode): { readonly text: string; readonly tone: 'info' | 'danger' } | null {
  const text = (PROBLEM_WORDS as Partial<Record<ProblemCode, string>>)[code];
  return text === undefined ? null : { text, tone: PASSING.includes(code) ? 'info' : 'danger' };
}

/** One line for the list of conversations. */
export function previewOf(body: Body, isMine: boolean, amount: (body: Extract<Body, { type: 'payment' }>) => string): string {
  switch (body.type) {
    case 'text':
      return isMine ? `You: ${body.text}` : body.text;
    case 'payment':
      return isMine ? `You sent ${amount(body)}` : `Sent you ${amount(body)}`;
    case 'call':
      return callLine(body.outcome, body.media);
    case 'undecryptable':
      return 'A message that cannot be opened here';
    case 'unsupported':
      return 'A message of a newer kind';
    case 'system':
      return SYSTEM_WORDS[body.text];
  }
}

export const SYSTEM_WORDS = {
  'conversation-opened': 'Messages and calls here are sealed end to end.',
  'device-rejoined': 'A device came back to the conversation.',
  'devices-changed': 'Devices in this conversation changed.',
  removed: 'You are no longer in this conversation.',
} as const;

export const UNDECRYPTABLE_WORDS: Record<Extract<Body, { type: 'undecryptable' }>['reason'], string> = {
  'not-yet-joined': 'Sent before this device was in the conversation.',
  'epoch-out-of-window': 'Arrived too late to be opened.',
  'late-from-removed': 'Sent by a device that had already been removed.',
  unreadable: 'It was damaged or is not what it says.',
  'wrong-conversation': 'It belongs to another conversation.',
  'not-an-application-message': 'It is not a message.',
  'commit-refused': 'Somebody tried to change the group against its rules. Nothing was changed.',
  malformed: 'Its content makes no sense.',
  'log-rewritten': 'The server changed the history here.',
};

export function callLine(outcome: string, media: 'audio' | 'video'): string {
  const kind = media === 'video' ? 'Video call' : 'Call';
  switch (outcome) {
    case 'missed':
    case 'timed-out':
    case 'cancelled':
      return `Missed ${kind.toLowerCase()}`;
    case 'declined':
      return `${kind} declined`;
    case 'busy':
      return `${kind}: busy`;
    case 'failed':
      return `${kind} failed`;
    default:
      return kind;
  }
}
