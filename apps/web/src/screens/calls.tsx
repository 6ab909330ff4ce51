import type { CallView } from '@rialto/contracts';
import { useCallback, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { IconButton, TryAgain } from '../parts/button.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { showCall } from '../session/session.ts';
import { notify, useClient, useSession } from '../session/state.ts';
import { duration, listTime } from '../session/time.ts';
import { usePerson } from '../session/use-person.ts';
import { nameOf, sayError } from '../session/words.ts';
import './calls.css';
import './wallet.css';

/** The account's calls, newest first. */
export function CallsScreen() {
  const client = useClient();
  const [calls, setCalls] = useState<readonly CallView[] | null>(null);
  const [failure, setFailure] = useState<string>();
  const version = useSession((session) => session.callVersion);
  const load = useCallback(
    () => client.calls.history().then(setCalls, (thrown: unknown) => setFailure(sayError(thrown))),
    [client],
  );
  useEffect(() => void load(), [load, version]);
  return (
    <main className="page">
      <div className="page-column">
        <h1>Calls</h1>
        {calls === null &&
          (failure ? (
            <Empty icon="offline" title="The history cannot be read just now" action={<TryAgain onClick={() => void load()} />}>
              {failure}
            </Empty>
          ) : (
            <SkeletonRows />
          ))}
        {calls?.length === 0 && (
          <Empty icon="phone" title="No calls yet">
            Open a chat and press the phone. Calls are sealed end to end, and nobody sees your address before you have accepted
            each other.
          </Empty>
        )}
        <ul className="calls">
          {(calls ?? []).map((call) => (
            <CallRow key={call.callId} call={call} />
          ))}
        </ul>
      </div>
    </main>
  );
}

function CallRow({ call }: { call: CallView }) {
  const client = useClient();
  const isIncoming = call.callee === client.account.accountId;
  const peer = isIncoming ? call.caller : call.callee;
  const person = usePerson(peer);
  const name = person ? nameOf(person) : '…';
  const again = async () => {
    try {
      showCall(await client.calls.start(call.conversationId, { media: call.media }));
    } catch (thrown) {
      notify(sayError(thrown));
    }
  };
  return (
    <li className="call-row">
      <Avatar id={peer} name={name} />
      <Link href={`/c/${call.conversationId}`} className="call-row-text">
        <b>{name}</b>
        <small className={isIncoming && call.state === 'ended' && !call.answeredAt ? 'call-row-missed' : undefined}>
          {lineOf(call, isIncoming)}
        </small>
      </Link>
      <time dateTime={call.createdAt}>{listTime(call.createdAt)}</time>
      <IconButton icon={call.media === 'video' ? 'video' : 'phone'} label={`Call ${name} again`} onClick={() => void again()} />
    </li>
  );
}

function lineOf(call: CallView, isIncoming: boolean): string {
  const kind = call.media === 'video' ? 'video call' : 'call';
  if (call.state !== 'ended') return `Going on: ${kind}`;
  if (call.answeredAt && call.endedAt) {
    return `${isIncoming ? 'Incoming' : 'Outgoing'} ${kind} · ${duration(Date.parse(call.endedAt) - Date.parse(call.answeredAt))}`;
  }
  if (isIncoming) return call.endReason === 'declined' ? `Declined ${kind}` : `Missed ${kind}`;
  return call.endReason === 'declined' || call.endReason === 'busy'
    ? `${capital(kind)}, declined`
    : `${capital(kind)}, no answer`;
}
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
