import { startTurn } from '@rialto/engines';
import { MediaPages, type MediaPair, turnServer } from '@rialto/client/media-pages';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';

/** Pairs of calls; a browser refuses new peer connections after some hundreds, and two a round stay far below. */
const ROUNDS = Number(process.env.R ?? 15);
const CONTROL = 'bare WebRTC in the same browser';

/** From the caller's first step after the answer to the first frame that the other side decoded, microphone and camera being open already. */
export default {
  measures: {
    'call-setup': 'ms to the first decoded frame of a video call with SFrame on every frame',
    'call-setup-relay': 'the same through coturn alone',
  },
  async run(wanted, say) {
    const pages = await MediaPages.start();
    try {
      return await measureAll(pages, wanted, say);
    } finally {
      await pages.stop();
    }
  },
} satisfies MeasureFile;

async function measureAll(pages: MediaPages, wanted: ReadonlySet<string>, say: Say): Promise<Result[]> {
  const turn = wanted.has('call-setup-relay') ? await startTurn() : undefined;
  const kinds: Record<string, (pair: MediaPair) => Promise<void>> = { bare: (pair) => pair.call({ isBare: true }) };
  if (wanted.has('call-setup')) kinds['call-setup'] = (pair) => pair.call();
  if (turn) kinds['call-setup-relay'] = (pair) => pair.call({ iceServers: [turnServer(turn)], isRelayOnly: true });
  const times = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
  try {
    for (const call of Object.values(kinds)) await timeOf(pages, call); // The first of each pays for what is loaded once.
    for (let round = 1; round <= ROUNDS; round += 1) {
      // In turns and in changing order, so that a busy moment of the machine meets all of them.
      const order = Object.entries(kinds);
      for (const [kind, call] of round % 2 === 0 ? order.toReversed() : order) times.get(kind)?.push(await timeOf(pages, call));
      say(
        `round ${round} of ${ROUNDS}: ${order.map(([kind]) => `${kind} ${Math.round(times.get(kind)?.at(-1) ?? 0)} ms`).join(', ')}`,
      );
    }
  } finally {
    await turn?.stop();
  }
  const controlValue = rounded(median(times.get('bare') ?? []), 1);
  return [...wanted].map((measure) => {
    const value = rounded(median(times.get(measure) ?? []), 1);
    return { measure, value, unit: 'ms', control: CONTROL, controlValue, ratio: rounded(value / controlValue, 2) };
  });
}

async function timeOf(pages: MediaPages, call: (pair: MediaPair) => Promise<void>): Promise<number> {
  const pair = await pages.pair();
  try {
    await call(pair);
    return await pair.setUpMs();
  } finally {
    await pair.close();
  }
}
