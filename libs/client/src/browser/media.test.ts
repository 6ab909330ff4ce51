import { BrowserMediaEngine } from './media.ts';

const faked = ['RTCRtpScriptTransform', 'RTCRtpSender', 'RTCRtpReceiver', 'RTCPeerConnection', 'Worker', 'MediaStream'] as const;
const before = Object.fromEntries(faked.map((name) => [name, (globalThis as Record<string, unknown>)[name]]));
afterEach(() => Object.assign(globalThis, before));

test('a browser that refuses another peer connection is left without a worker that nobody ends', async () => {
  class Transformed {
    get transform(): null {
      return null;
    }
  }
  class Refusing {
    constructor() {
      throw new DOMException('Cannot create so many PeerConnections', 'UnknownError');
    }
  }
  Object.assign(globalThis, {
    RTCRtpScriptTransform: class {},
    RTCRtpSender: Transformed,
    RTCRtpReceiver: Transformed,
    RTCPeerConnection: Refusing,
    Worker: class {},
    MediaStream: class {},
  });
  let running = 0;
  const startWorker = () => {
    running += 1;
    return { terminate: () => void (running -= 1) } as unknown as Worker;
  };
  const engine = new BrowserMediaEngine({ startWorker, devices: {} as MediaDevices });
  await expect(engine.open({ iceServers: [], isRelayOnly: false, events: {} as never })).rejects.toThrow('so many');
  expect(running).toBe(0);
});
