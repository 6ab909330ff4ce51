import type { CallSurface } from '@rialto/client';
import { useEffect, useRef } from 'react';
import { notify } from '../session/state.ts';

/** Whether a picture is among the tracks of one side. */
export const hasVideo = (tracks: readonly unknown[]): boolean =>
  tracks.some((track) => (track as MediaStreamTrack).kind === 'video');

/** Keeps an element's stream equal to the tracks. What plays already goes on: only a new stream would begin it anew. */
function useTracks<E extends HTMLMediaElement>(tracks: readonly unknown[]) {
  const element = useRef<E>(null);
  const ids = tracks.map((track) => (track as MediaStreamTrack).id).join();
  useEffect(() => {
    if (!element.current) return;
    const stream = (element.current.srcObject ??= new MediaStream()) as MediaStream;
    for (const track of stream.getTracks()) if (!tracks.includes(track)) stream.removeTrack(track);
    for (const track of tracks) stream.addTrack(track as MediaStreamTrack); // one that is in it stays as it is
    element.current.play().catch((thrown: unknown) => {
      if ((thrown as DOMException).name === 'NotAllowedError')
        notify('The browser holds back the sound. Click anywhere in the call.');
    });
  }, [ids]); // `tracks` is another array at each look, with the same tracks in it
  return element;
}

export function RemoteMedia({ call }: { call: CallSurface }) {
  const element = useTracks<HTMLVideoElement>(call.remoteTracks);
  return <video ref={element} className="call-remote" data-testid="remote-media" autoPlay playsInline />;
}
export function LocalMedia({ call }: { call: CallSurface }) {
  const element = useTracks<HTMLVideoElement>(call.localTracks);
  return <video ref={element} className="call-local" autoPlay playsInline muted aria-label="Your camera" />;
}
