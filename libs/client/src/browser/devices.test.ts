import { openDevices } from './devices.ts';

const WANTS = { audio: {}, video: {} };
/** Devices of which some are refused or missing: asked for together, the first that fails fails both, as in a browser. */
const devices = (failing: { audio?: string; video?: string }) => {
  const asked: string[] = [];
  return {
    asked,
    getUserMedia: async ({ audio, video }: MediaStreamConstraints = {}) => {
      asked.push([audio && 'audio', video && 'video'].filter(Boolean).join('+'));
      const name = (video && failing.video) || (audio && failing.audio);
      if (name) throw new DOMException('', name);
      return {} as MediaStream;
    },
  };
};

test('microphone and camera are asked for at once', async () => {
  const given = devices({});
  expect(await openDevices(given, WANTS)).toMatchObject({ cameraError: null });
  expect(given.asked).toEqual(['audio+video']);
});

test.each([
  ['NotAllowedError', 'camera-refused'],
  ['NotFoundError', 'no-camera'],
  ['NotReadableError', 'no-camera'],
])('a camera with %s leaves the microphone, and is told as %s', async (name, code) => {
  const given = devices({ video: name });
  expect(await openDevices(given, WANTS)).toMatchObject({ stream: {}, cameraError: { code } });
  expect(given.asked).toEqual(['audio+video', 'audio']);
});

test.each([
  ['NotAllowedError', 'microphone-refused'],
  ['NotFoundError', 'no-microphone'],
])('a microphone with %s is never told as a camera', async (name, code) => {
  await expect(openDevices(devices({ audio: name }), WANTS)).rejects.toMatchObject({ code });
  await expect(openDevices(devices({ audio: name }), { audio: {}, video: false })).rejects.toMatchObject({ code });
  await expect(openDevices(devices({ audio: name, video: 'NotAllowedError' }), WANTS)).rejects.toMatchObject({ code });
});

test('a camera that is added later and fails is an error', async () => {
  const adding = openDevices(devices({ video: 'NotAllowedError' }), { audio: false, video: {} });
  await expect(adding).rejects.toMatchObject({ code: 'camera-refused' });
});
