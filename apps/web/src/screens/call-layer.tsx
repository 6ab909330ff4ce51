import type { CallSurface } from '@rialto/client';
import { useEffect, useRef, useState } from 'react';
import { Avatar } from '../parts/avatar.tsx';
import { leaveCall } from '../session/session.ts';
import { notify, useSession } from '../session/state.ts';
import { duration } from '../session/time.ts';
import { usePerson } from '../session/use-person.ts';
import { callLine, nameOf, sayError } from '../session/words.ts';
import './call.css';
import { CallControls } from './call-controls.tsx';
import { hasVideo, LocalMedia, RemoteMedia } from './call-media.tsx';
import { useWholeScreen } from './use-whole-screen.ts';

const FAREWELL_MS = 1_800;

/** The call that is going on lies over everything on a phone and at the side on a wide screen. */
export default function CallLayer() {
  const call = useSession((session) => session.call);
  const waiting = useSession((session) => session.waitingCall);
  useSession((session) => session.callVersion); // calls change in place
  return (
    <>
      <p className="visually-hidden" role="alert">
        {call && isAsking(call) && <Announcement call={call} />}
      </p>
      {call && <CallScreen call={call} waiting={waiting} />}
    </>
  );
}

/** Somebody calls, and it is for the reader to answer. */
const isAsking = ({ direction, state }: CallSurface) => direction === 'incoming' && (state === 'inviting' || state === 'ringing');

/** Read out wherever the focus is: its place is in the document before the call is, as a live region must be. */
function Announcement({ call }: { call: CallSurface }) {
  const person = usePerson(call.peer);
  return person && `${nameOf(person)} is calling`;
}

/** Stays mounted from the first call to the last that follows it, so the focus goes out and back once. */
function CallScreen({ call, waiting }: { call: CallSurface; waiting: CallSurface | null }) {
  const screen = useRef<HTMLDivElement>(null);
  useWholeScreen(screen);
  return (
    <div ref={screen} className="call-layer" tabIndex={-1}>
      <CallView key={call.id} call={call} />
      {waiting && <WaitingCall call={waiting} />}
    </div>
  );
}

function CallView({ call }: { call: CallSurface }) {
  const person = usePerson(call.peer);
  const name = person ? nameOf(person) : '…';
  const [isSeen, isShowing] = [hasVideo(call.remoteTracks), hasVideo(call.localTracks)];
  useEffect(() => {
    if (call.state !== 'ended') return;
    if (call.failure) notify(call.failure); // it stays longer than the screen of the call
    const timer = setTimeout(leaveCall, FAREWELL_MS);
    return () => clearTimeout(timer);
  }, [call.state]);
  useRinging(call);
  return (
    <section className={`call call-${call.state}${isSeen ? ' call-video' : ''}`} aria-label={`Call with ${name}`}>
      <div className="call-stage">
        <RemoteMedia call={call} />
        <div className="call-who">
          <Avatar id={call.peer} name={name} size="xl" />
          <h2>{name}</h2>
          <p role="status">{statusLine(call)}</p>
        </div>
        {isShowing && <LocalMedia call={call} />}
      </div>
      {call.cameraError && (
        <p className="call-note" role="status">
          {call.cameraError}
        </p>
      )}
      {(call.state === 'active' || call.state === 'reconnecting') && <CallStatus call={call} name={name} />}
      <CallControls call={call} name={name} />
    </section>
  );
}

function CallStatus({ call, name }: { call: CallSurface; name: string }) {
  const [since] = useState(Date.now);
  const [now, setNow] = useState(since);
  const [path, setPath] = useState<string | null>(null);
  useEffect(() => {
    const look = () => {
      setNow(Date.now());
      call.stats().then(
        (stats) => setPath(stats?.path ?? null),
        () => setPath(null), // the call ended meanwhile
      );
    };
    look();
    const timer = setInterval(look, 1_000);
    return () => clearInterval(timer);
  }, [call]);
  return (
    <div className="call-status">
      <span className="tabular">
        {name} · {duration(now - since)}
      </span>
      <span>{call.state === 'reconnecting' ? 'Reconnecting…' : pathLine(path)}</span>
    </div>
  );
}

/** Nothing is said of a path that is not known: “direct” means that the other side sees this one's address. */
function pathLine(path: string | null): string {
  if (path === null) return 'Sealed';
  return path === 'relay' ? 'Relayed, sealed' : 'Direct, sealed';
}

function WaitingCall({ call }: { call: CallSurface }) {
  const person = usePerson(call.peer);
  const name = person ? nameOf(person) : '…';
  const fail = (thrown: unknown) => notify(sayError(thrown));
  return (
    <section className="call-waiting" role="alertdialog" aria-label={`${name} is calling`}>
      <span>{name} is calling too</span>
      <button type="button" onClick={() => void call.decline().catch(fail)}>
        Decline
      </button>
      <button
        type="button"
        onClick={() =>
          void useSession
            .getState()
            .call?.hangUp()
            .then(() => call.answer())
            .catch(fail)
        }
      >
        End and answer
      </button>
    </section>
  );
}

function statusLine(call: CallSurface): string {
  switch (call.state) {
    case 'inviting':
      return 'Calling…';
    case 'ringing':
      return call.direction === 'incoming' ? `${call.media === 'video' ? 'Video call' : 'Call'} · sealed end to end` : 'Ringing…';
    case 'connecting':
      return 'Connecting…';
    case 'reconnecting':
      return 'The connection broke. Reconnecting…';
    case 'ended':
      return endLine(call);
    case 'active':
      return 'Sealed end to end';
  }
}
function endLine({ endReason, direction, media }: CallSurface): string {
  if (direction === 'outgoing' && (endReason === 'missed' || endReason === 'timed-out')) return 'No answer';
  if (endReason === 'hung-up' || endReason === 'cancelled' || endReason === null) return 'Call ended';
  return callLine(endReason, media);
}

const RING_MS = 3_000;
/** A quiet double tone while somebody calls, made here so that no file is needed. */
function useRinging(call: CallSurface): void {
  const isRinging = isAsking(call);
  useEffect(() => {
    if (!isRinging) return;
    const context = new AudioContext();
    const ring = () => {
      for (const at of [0, 0.35]) {
        const [tone, volume] = [context.createOscillator(), context.createGain()];
        tone.frequency.value = 620;
        volume.gain.setValueAtTime(0.0001, context.currentTime + at);
        volume.gain.exponentialRampToValueAtTime(0.08, context.currentTime + at + 0.03);
        volume.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + at + 0.28);
        tone.connect(volume).connect(context.destination);
        tone.start(context.currentTime + at);
        tone.stop(context.currentTime + at + 0.3);
      }
    };
    ring();
    const timer = setInterval(ring, RING_MS);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [isRinging]);
}
