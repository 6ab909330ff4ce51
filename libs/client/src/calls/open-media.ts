import { AppError, type CallId } from '@rialto/contracts';
import type { Media, MediaEvents, MediaSession } from './media-engine.ts';
import type { CallPorts } from './ports.ts';

/**
 * Opens microphone and camera on a session with fresh relay credentials. Throws `MediaError`, `call-ended`, and `not-reachable` when the
 * address must stay hidden and there is no relay to hide it behind.
 */
export async function openMedia(
  { api, engine }: Pick<CallPorts, 'api' | 'engine'>,
  { callId, media, events }: { callId: CallId; media: Media; events: MediaEvents },
): Promise<MediaSession> {
  const { iceServers, isRelayOnly } = await api.getIceServers({ callId });
  if (isRelayOnly && iceServers.length === 0) throw new AppError('not-reachable');
  const session = await engine.open({ iceServers, isRelayOnly, events });
  try {
    await session.addLocal(media);
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}
