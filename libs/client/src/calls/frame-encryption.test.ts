import { decodeHeader } from '@rialto/crypto/sframe';
import { FrameOpener, FrameSealer } from './frame-encryption.ts';
import { kidOf, OLD_RECEIVE_KEY_MS } from './media-engine.ts';
import { joinVp8, splitVp8, vp8HeaderFor } from './vp8-framing.ts';

const keyOf = (epoch: number, fill = epoch) => ({ epoch, key: new Uint8Array(64).fill(fill) });
const frame = Uint8Array.of(1, 2, 3, 4);
const seal = async (sealer: FrameSealer, track = 0) => {
  const sealed = await sealer.seal(track, frame);
  if (sealed === undefined) throw new Error('nothing was sealed');
  return sealed;
};

test('nothing leaves before there is a key, nor after a stop', async () => {
  const sealer = new FrameSealer();
  expect(await sealer.seal(0, frame)).toBeUndefined();
  await sealer.setKey(keyOf(1));
  expect(await sealer.seal(0, frame)).toBeDefined();
  sealer.stop();
  expect(await sealer.seal(0, frame)).toBeUndefined();
});

test('a counter is never used twice: not by the same key again, nor by an older one', async () => {
  const sealer = new FrameSealer();
  const used = new Set<string>();
  let newest = 0;
  for (const epoch of [1, 1, 2, 1, 2, 3]) {
    await sealer.setKey(keyOf(epoch));
    if (epoch < newest) {
      expect(await sealer.seal(0, frame)).toBeUndefined();
      continue;
    }
    newest = epoch;
    for (const track of [0, 1]) {
      const { kid, counter } = decodeHeader(await seal(sealer, track));
      expect(used).not.toContain(`${kid}/${counter}`);
      used.add(`${kid}/${counter}`);
    }
    sealer.stop();
  }
  expect(used.has(`${kidOf(1, 0)}/1`)).toBe(true);
  expect(used.has(`${kidOf(1, 0)}/2`)).toBe(false);
});

test('a frame opens once, on its own track and with its own key', async () => {
  const [sealer, opener] = [new FrameSealer(), new FrameOpener()];
  await sealer.setKey(keyOf(1));
  const sealed = await seal(sealer, 1);
  expect(await opener.open(1, sealed)).toEqual({ refused: 'unknown-epoch' });
  await opener.addKey(keyOf(1));
  expect(await opener.open(0, sealed)).toEqual({ refused: 'other-track' });
  expect(await opener.open(1, sealed)).toEqual({ frame });
  expect(await opener.open(1, sealed)).toEqual({ refused: 'not-authentic' });
  await opener.addKey(keyOf(1));
  expect(await opener.open(1, sealed)).toEqual({ refused: 'not-authentic' });
  await opener.addKey(keyOf(1, 9));
  expect(await opener.open(1, await seal(sealer, 1))).toEqual({ refused: 'not-authentic' });
  expect(await opener.open(1, new Uint8Array())).toEqual({ refused: 'not-authentic' });
  opener.close();
});

test('keys of a past epoch open for ten seconds more', async () => {
  const [sealer, opener] = [new FrameSealer(), new FrameOpener()];
  await sealer.setKey(keyOf(1));
  const frames = [await seal(sealer), await seal(sealer)] as const;
  await opener.addKey(keyOf(1));
  jest.useFakeTimers();
  try {
    await opener.addKey(keyOf(2));
    jest.advanceTimersByTime(OLD_RECEIVE_KEY_MS - 1);
    expect(await opener.open(0, frames[0])).toEqual({ frame });
    jest.advanceTimersByTime(1);
    expect(await opener.open(0, frames[1])).toEqual({ refused: 'unknown-epoch' });
    await sealer.setKey(keyOf(2));
    expect(await opener.open(0, await seal(sealer))).toEqual({ frame });
  } finally {
    opener.close();
    jest.useRealTimers();
  }
});

test('a VP8 header says key or delta, and is part of what is authenticated', async () => {
  const [sealer, opener] = [new FrameSealer(), new FrameOpener()];
  await sealer.setKey(keyOf(1));
  await opener.addKey(keyOf(1));
  for (const isKey of [true, false]) {
    const header = vp8HeaderFor(isKey);
    const sealed = await sealer.seal(0, frame, header);
    const parts = splitVp8(joinVp8(header, sealed ?? frame));
    expect((parts?.header[0] ?? 1) & 1).toBe(isKey ? 0 : 1);
    expect(await opener.open(0, parts?.sealed ?? frame, vp8HeaderFor(!isKey))).toEqual({ refused: 'not-authentic' });
    expect(await opener.open(0, parts?.sealed ?? frame, parts?.header)).toEqual({ frame });
  }
  expect(splitVp8(Uint8Array.of(0, 1, 2))).toBeUndefined();
  expect(splitVp8(new Uint8Array())).toBeUndefined();
  opener.close();
});
