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

const FAREWELL_MS = 1_800;

/** The call that is going on lies over everything on a phone and at the side on a wide screen. */
export default function CallLayer() {
  const call = useSession((session) => session.call);
  const waiting = useSession((session) => session.waitingCall);
  useSession((session) => session.callVersion); // calls change in place
  if (!call) return null;
  return (
    <>
      <CallView key={call.id} call={call} />
      {waiting && <WaitingCall call={waiting} />}
    </>
  );
}

function CallView({ call }: { call: CallSurface }) {
  const person = usePerson(call.peer);
  const name = person ? nameOf(person) : '…';
  const hasVideo = call.media === 'video';
  useEffect(() => {
    if (call.state !== 'ended') return;
    const timer = setTimeout(leaveCall, FAREWELL_MS);
    return () => clearTimeout(timer);
  }, [call.state]);
  useRinging(call);
  return (
    <section className={`call call-${call.state}${hasVideo ? ' call-video' : ''}`} aria-label={`Call with ${name}`}>
      <div className="call-stage">
        <RemoteMedia call={call} />
        <div className="call-who">
          <Avatar id={call.peer} name={name} size="xl" />
          <h2>{name}</h2>
          <p role="status">{statusLine(call)}</p>
        </div>
        {hasVideo && call.state !== 'ended' && call.localTracks.length > 0 && <LocalMedia call={call} />}
      </div>
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
      <span>{call.state === 'reconnecting' ? 'Reconnecting…' : path === 'relay' ? 'Relayed, sealed' : 'Direct, sealed'}</span>
    </div>
  );
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

/** Puts tracks into an element without replacing a stream that already has them. */
function useTracks<E extends HTMLMediaElement>(tracks: readonly unknown[]) {
  const element = useRef<E>(null);
  const ids = tracks.map((track) => (track as MediaStreamTrack).id).join();
  useEffect(() => {
    if (!element.current) return;
    element.current.srcObject = new MediaStream(tracks as MediaStreamTrack[]);
    element.current.play().catch((thrown: unknown) => {
      if ((thrown as DOMException).name === 'NotAllowedError')
        notify('The browser holds back the sound. Click anywhere in the call.');
    });
  }, [ids, tracks]);
  return element;
}
function RemoteMedia({ call }: { call: CallSurface }) {
  const element = useTracks<HTMLVideoElement>(call.remoteTracks);
  return <video ref={element} className="call-remote" data-testid="remote-media" autoPlay playsInline />;
}
function LocalMedia({ call }: { call: CallSurface }) {
  const element = useTracks<HTMLVideoElement>(call.localTracks);
  return <video ref={element} className="call-local" autoPlay playsInline muted aria-label="Your camera" />;
}

const RING_MS = 3_000;
/** A quiet double tone while somebody calls, made here so that no file is needed. */
function useRinging(call: CallSurface): void {
  const isRinging = call.direction === 'incoming' && (call.state === 'inviting' || call.state === 'ringing');
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
