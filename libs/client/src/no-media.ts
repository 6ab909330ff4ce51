import { type MediaEngine, MediaError } from './calls/media-engine.ts';

/** For clients without microphone and camera, such as bots: every call is refused before it begins. */
export const noMedia: MediaEngine = {
  check: () => {
    throw new MediaError('frame-encryption-unsupported');
  },
  open: async () => {
    throw new MediaError('frame-encryption-unsupported');
  },
};
