import type { CallView } from '@rialto/contracts';
import { useState } from 'react';
import { Link } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { Button, IconButton, TryAgain } from '../parts/button.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { notifyFailure } from '../session/failure.ts';
import { showCall } from '../session/session.ts';
import { notify, useClient } from '../session/state.ts';
import { duration, listTime } from '../session/time.ts';
import { useCalls } from '../session/use-calls.ts';
import { usePerson } from '../session/use-person.ts';
import { nameOf, sayError } from '../session/words.ts';
import './calls.css';
import './wallet.css';

/** The account's calls, newest first. */
export function CallsScreen() {
  const { calls, hasOlder, isLoadingOlder, failure, retry, loadOlder } = useCalls();
  return (
    <main className="page">
      <div className="page-column">
        <h1>Calls</h1>
        <AddressSetting />
        {calls === null &&
          (failure ? (
            <Empty
              icon="offline"
              title="The history cannot be read just now"
              action={<TryAgain until={failure.until} onClick={retry} />}
            >
              <Sentence of={failure} />
            </Empty>
          ) : (
            <SkeletonRows />
          ))}
        {calls?.length === 0 && (
          <Empty icon="phone" title="No calls yet">
            Open a chat and press the phone. Calls are sealed end to end, and only people who have accepted each other can call.
          </Empty>
        )}
        <ul className="calls">
          {(calls ?? []).map((call) => (
            <CallRow key={call.callId} call={call} />
          ))}
        </ul>
        {hasOlder && (
          <div className="calls-older">
            <Button look="outline" busy={isLoadingOlder} onClick={() => void loadOlder()}>
              Show older calls
            </Button>
          </div>
        )}
      </div>
    </main>
  );
}

/** A direct call sounds best and shows each side the other's network address; whoever minds gives that up here. */
function AddressSetting() {
  const { settings } = useClient();
  const [isHidden, setHidden] = useState(settings.hidesAddressInCalls);
  const choose = async (hides: boolean) => {
    setHidden(hides);
    try {
      await settings.setHidesAddressInCalls(hides);
    } catch (thrown) {
      setHidden(!hides);
      notify(sayError(thrown));
    }
  };
  return (
    <label className="calls-setting">
      <input type="checkbox" checked={isHidden} onChange={(event) => void choose(event.target.checked)} />
      <span>
        <b>Hide my address in calls</b>
        <small>
          Calls go through this server’s relay, which cannot hear them. Otherwise the other side sees your network address.
        </small>
      </span>
    </label>
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
      notifyFailure(thrown, () => void again());
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
