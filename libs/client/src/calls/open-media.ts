import { AppError, type CallId } from '@rialto/contracts';
import { MediaError, type HeldDevices, type Media, type MediaEvents, type MediaSession } from './media-engine.ts';
import type { CallPorts } from './ports.ts';

/**
 * Opens microphone and camera on a session with fresh relay credentials. The address stays hidden when the arbiter says so (the two have
 * not accepted each other, or not any more) or the person wants it. Takes over `devices`, or releases them when it fails. Throws
 * `MediaError`, `call-ended`, and, when there is no relay to hide behind, `not-reachable` or `MediaError('no-relay')`.
 */
export async function openMedia(
  { api, engine, hidesAddress }: Pick<CallPorts, 'api' | 'engine' | 'hidesAddress'>,
  about: { callId: CallId; media: Media; events: MediaEvents; devices?: HeldDevices | undefined },
): Promise<{ session: MediaSession; isHidden: boolean }> {
  const { callId, media, events, devices } = about;
  let session: MediaSession | undefined;
  try {
    const { iceServers, isRelayOnly } = await api.getIceServers({ callId });
    const isHidden = isRelayOnly || hidesAddress();
    if (isHidden && iceServers.length === 0) throw isRelayOnly ? new AppError('not-reachable') : new MediaError('no-relay');
    session = await engine.open({ iceServers, isRelayOnly: isHidden, events, devices });
    await session.addLocal(media);
    return { session, isHidden };
  } catch (error) {
    session?.close();
    devices?.release();
    throw error;
  }
}
