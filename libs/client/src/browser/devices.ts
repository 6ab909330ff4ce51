import { type HeldDevices, MediaError } from '../calls/media-engine.ts';

/** Where microphone and camera come from. */
export type Devices = Pick<MediaDevices, 'getUserMedia'>;
export interface WantedDevices {
  readonly audio: MediaTrackConstraints | false;
  readonly video: MediaTrackConstraints | false;
}
export interface OpenedDevices {
  readonly stream: MediaStream;
  /** Why the camera that was wanted beside the microphone is not in the stream. */
  readonly cameraError: MediaError | null;
}

/** Devices that were opened before their session. */
export class HeldStream implements HeldDevices {
  readonly opened: OpenedDevices;
  constructor(opened: OpenedDevices) {
    this.opened = opened;
  }
  release(): void {
    for (const track of this.opened.stream.getTracks()) track.stop();
  }
}

/**
 * Opens what is wanted with one question to the person. The browser does not say which of two devices failed it, so the microphone is
 * then asked for alone: when it opens, it was the camera, and the call can go on by voice. Throws `MediaError`.
 */
export async function openDevices(devices: Devices, wants: WantedDevices): Promise<OpenedDevices> {
  try {
    return { stream: await devices.getUserMedia({ ...wants }), cameraError: null };
  } catch (error) {
    if (wants.audio === false) throw failure('camera', error);
    if (wants.video === false) throw failure('microphone', error);
    const { stream } = await openDevices(devices, { ...wants, video: false });
    return { stream, cameraError: failure('camera', error) };
  }
}

/** "NotAllowedError" is a person's or a page's refusal, the rest are devices that are missing or taken (W3C Media Capture, section 10.2). */
function failure(device: 'microphone' | 'camera', error: unknown): MediaError {
  const isRefusal = error instanceof DOMException && error.name === 'NotAllowedError';
  return new MediaError(isRefusal ? `${device}-refused` : `no-${device}`, error);
}
