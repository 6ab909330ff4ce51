/// <reference lib="webworker" />
import { FrameOpener, FrameSealer } from '../calls/frame-encryption.ts';
import { KEYFRAME_REQUEST_INTERVAL_MS } from '../calls/media-engine.ts';
import { joinVp8, splitVp8, vp8HeaderFor } from '../calls/vp8-framing.ts';
import type { FromWorker, ToWorker, TransformOptions } from './media-messages.ts';

/** At most one report of frames without a key in this time. */
const UNKNOWN_EPOCH_REPORT_MS = 500;

type EncodedFrame = RTCEncodedAudioFrame | RTCEncodedVideoFrame;
const worker = self as unknown as DedicatedWorkerGlobalScope & { onrtctransform: (event: RTCTransformEvent) => void };
const sealer = new FrameSealer();
const opener = new FrameOpener();
const counts = { opened: 0, refused: 0 };
const announced = new Map<number, number>();
const heard = new Set<number>();
let lastUnknownEpochAt = 0;

const tell = (message: FromWorker) => worker.postMessage(message);

worker.onmessage = ({ data }: MessageEvent<ToWorker>) => void handle(data);

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'send-key':
      await sealer.setKey(message);
      message.key.fill(0);
      return tell({ type: 'done', id: message.id });
    case 'receive-key':
      await opener.addKey(message);
      message.key.fill(0);
      return tell({ type: 'done', id: message.id });
    case 'announced':
      return void announced.set(message.receiver, message.number);
    case 'stop-sending':
      return sealer.stop();
    case 'count':
      return tell({ type: 'counts', id: message.id, ...counts });
  }
}

worker.onrtctransform = ({ transformer }) => {
  const options = transformer.options as TransformOptions;
  const requestKeyFrame = throttled(() => void transformer.sendKeyFrameRequest().catch(() => undefined)); // Refused once the track has ended.
  const generateKeyFrame = throttled(() => void transformer.generateKeyFrame().catch(() => undefined));
  const transform =
    options.side === 'send'
      ? (frame: EncodedFrame) => seal(frame, options, generateKeyFrame)
      : (frame: EncodedFrame) => open(frame, options, requestKeyFrame);
  const stream = new TransformStream<EncodedFrame, EncodedFrame>({
    transform: async (frame, out) => {
      const done = await transform(frame);
      if (done !== undefined) out.enqueue(done);
    },
  });
  transformer.readable
    .pipeThrough(stream)
    .pipeTo(transformer.writable)
    .catch((error: unknown) => tell({ type: 'transform-ended', side: options.side, detail: String(error) }));
};

/** Frames that may not be sent are dropped; the first one after that must be a key frame, or nobody can decode what follows. */
async function seal(
  frame: EncodedFrame,
  { kind, number }: Extract<TransformOptions, { side: 'send' }>,
  generateKeyFrame: () => void,
): Promise<EncodedFrame | undefined> {
  const header = kind === 'video' ? vp8HeaderFor((frame as RTCEncodedVideoFrame).type === 'key') : undefined;
  const sealed = await sealer.seal(number, new Uint8Array(frame.data), header);
  if (sealed === undefined) {
    if (kind === 'video') generateKeyFrame();
    return undefined;
  }
  frame.data = bufferOf(header === undefined ? sealed : joinVp8(header, sealed));
  return frame;
}

async function open(
  frame: EncodedFrame,
  { kind, receiver }: Extract<TransformOptions, { side: 'receive' }>,
  requestKeyFrame: () => void,
): Promise<EncodedFrame | undefined> {
  const bytes = new Uint8Array(frame.data);
  if (bytes.length === 0) return undefined;
  const parts = kind === 'video' ? splitVp8(bytes) : { header: undefined, sealed: bytes };
  const number = announced.get(receiver);
  if (number === undefined || parts === undefined) return void (counts.refused += 1);
  const opened = await opener.open(number, parts.sealed, parts.header);
  if ('refused' in opened) {
    counts.refused += 1;
    if (opened.refused === 'unknown-epoch') reportUnknownEpoch();
    if (kind === 'video') requestKeyFrame();
    return undefined;
  }
  counts.opened += 1;
  if (!heard.has(receiver)) {
    heard.add(receiver);
    tell({ type: 'first-frame', kind, receiver });
  }
  frame.data = bufferOf(opened.frame);
  return frame;
}

function reportUnknownEpoch(): void {
  const now = performance.now();
  if (now - lastUnknownEpochAt < UNKNOWN_EPOCH_REPORT_MS) return;
  lastUnknownEpochAt = now;
  tell({ type: 'unknown-epoch' });
}

function throttled(run: () => void): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < KEYFRAME_REQUEST_INTERVAL_MS) return;
    last = now;
    run();
  };
}

const bufferOf = (bytes: Uint8Array): ArrayBuffer =>
  bytes.byteLength === bytes.buffer.byteLength ? (bytes.buffer as ArrayBuffer) : (new Uint8Array(bytes).buffer as ArrayBuffer);
