import { PassThrough, type Writable } from 'node:stream';
import * as ws from 'ws';
import { FrameWriter } from './frame-writer.ts';

/** The library's reader of frames; its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What an independent reader of RFC 6455 makes of the bytes, and in how many writes they came. */
function readBack(isOpen = () => true) {
  const stream = new PassThrough({ highWaterMark: 4_000_000 });
  const receiver = new Receiver({ isServer: false });
  const seen = { texts: [] as string[], writes: 0 };
  receiver.on('message', (data: Buffer, isBinary: boolean) => seen.texts.push(isBinary ? 'binary' : data.toString('utf8')));
  stream.on('data', (chunk: Buffer) => {
    seen.writes += 1;
    receiver.write(chunk);
  });
  return { writer: new FrameWriter(stream, isOpen), seen };
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('writes a frame of %d bytes as RFC 6455 has it', async (length) => {
  const { writer, seen } = readBack();
  const text = 'x'.repeat(length);
  writer.send(text);
  await turn();
  expect(seen.texts).toEqual([text]);
});

test('counts bytes, not characters', async () => {
  const { writer, seen } = readBack();
  const texts = ['é'.repeat(63), '🙂'.repeat(20_000), 'plain'];
  for (const text of texts) writer.send(text);
  await turn();
  expect(seen.texts).toEqual(texts);
});

test('what one turn brings leaves in order and in one write, and what waits is counted', async () => {
  const { writer, seen } = readBack();
  const texts = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
  for (const text of texts) writer.send(text);
  expect(writer.unsentBytes).toBe(texts.join('').length);
  expect(seen.writes).toBe(0);
  await turn();
  expect(seen).toEqual({ texts, writes: 1 });
  expect(writer.unsentBytes).toBe(0);
});

test('flushes at once when told to, and writes nothing after the close', async () => {
  let isOpen = true;
  const { writer, seen } = readBack(() => isOpen);
  writer.send('last words');
  writer.flush();
  isOpen = false;
  writer.send('too late');
  await turn();
  expect(seen.texts).toEqual(['last words']);
});
