import type { FromWorker, ToWorker, TransformOptions } from './media-messages.ts';

/** How long the worker may take to answer; it only computes. */
const WORKER_ANSWER_MS = 5_000;
/** How often the worker is asked whether it is there: one that died by itself says nothing. */
const PULSE_MS = 5_000;
/** One answer that does not come may be a machine that slept. */
const MAX_MISSED_PULSES = 2;

/** The page's end of a media worker: attaches transforms and hands over keys. */
export class MediaCryptor {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (message: FromWorker) => void; reject: (error: Error) => void }>();
  readonly #receivers = new Map<RTCRtpReceiver, number>();
  readonly #pulse: ReturnType<typeof setInterval>;
  #lastId = 0;

  constructor(
    worker: Worker,
    events: {
      firstFrame(kind: 'audio' | 'video', receiver: RTCRtpReceiver): void;
      unknownEpoch(): void;
      broken(cause: unknown): void;
    },
  ) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'first-frame') {
        for (const [receiver, id] of this.#receivers) if (id === data.receiver) events.firstFrame(data.kind, receiver);
      } else if (data.type === 'unknown-epoch') events.unknownEpoch();
      else if (data.type === 'transform-ended') events.broken(data.detail);
      else this.#settle(data);
    };
    worker.onerror = (event) => events.broken(event.message);
    let missed = 0;
    const miss = (error: unknown) => {
      missed += 1;
      if (missed === MAX_MISSED_PULSES) events.broken(error);
    };
    this.#pulse = setInterval(() => void this.counts().then(() => (missed = 0), miss), PULSE_MS);
  }

  /** Must be called in the very task that makes the transceiver: one without a transform sends in the clear. */
  protectSender(sender: RTCRtpSender, kind: 'audio' | 'video', number: number): void {
    this.#attach(sender, { side: 'send', kind, number });
  }

  /**
   * Must be called in the very task in which the receiver comes into being, with an own track or with one of the other side: Chromium
   * ignores a later transform and plays ciphertext. Nothing passes until the track is announced. Does nothing the second time.
   */
  protectReceiver(receiver: RTCRtpReceiver): void {
    if (this.#receivers.has(receiver)) return;
    const id = this.#receivers.size;
    this.#receivers.set(receiver, id);
    this.#attach(receiver, { side: 'receive', kind: receiver.track.kind as 'audio' | 'video', receiver: id });
  }

  /** Lets the announced track pass that comes through a receiver. */
  announced(receiver: RTCRtpReceiver, number: number): void {
    const id = this.#receivers.get(receiver);
    if (id !== undefined) this.#worker.postMessage({ type: 'announced', receiver: id, number } satisfies ToWorker);
  }

  async setSendKey({ epoch, key }: { epoch: number; key: Uint8Array }): Promise<void> {
    await this.#ask((id) => ({ type: 'send-key', id, epoch, key: key.slice() }));
  }
  async addReceiveKey({ epoch, key }: { epoch: number; key: Uint8Array }): Promise<void> {
    await this.#ask((id) => ({ type: 'receive-key', id, epoch, key: key.slice() }));
  }
  stopSending(): void {
    this.#worker.postMessage({ type: 'stop-sending' } satisfies ToWorker);
  }
  async counts(): Promise<{ opened: number; refused: number }> {
    const answer = await this.#ask((id) => ({ type: 'count', id }));
    return answer.type === 'counts' ? answer : { opened: 0, refused: 0 };
  }

  /** Ends the worker and with it every key. */
  close(): void {
    clearInterval(this.#pulse);
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(new Error('the media worker has ended'));
    this.#waiting.clear();
  }

  #attach(end: RTCRtpSender | RTCRtpReceiver, options: TransformOptions): void {
    end.transform = new RTCRtpScriptTransform(this.#worker, options);
  }

  #ask(message: (id: number) => ToWorker): Promise<FromWorker> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error('the media worker does not answer'));
      }, WORKER_ANSWER_MS);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      const sent = message(id);
      // The copy moves, so that only the worker has it.
      this.#worker.postMessage(sent, 'key' in sent ? [sent.key.buffer] : []);
    });
  }

  #settle(message: Extract<FromWorker, { id: number }>): void {
    this.#waiting.get(message.id)?.resolve(message);
    this.#waiting.delete(message.id);
  }
}
