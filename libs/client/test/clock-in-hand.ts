import type { Surroundings } from '../src/calls/ports.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Surroundings whose time stands still until a test lets it pass. What is due then runs in its order, and has settled before the next. */
export function clockInHand(): { surroundings: Surroundings; pass(ms: number): Promise<void> } {
  let now = 0;
  const timers: { at: number; run: () => void; isOff: boolean }[] = [];
  return {
    surroundings: {
      now: () => now,
      after: (delayMs, run) => {
        const timer = { at: now + delayMs, run, isOff: false };
        timers.push(timer);
        return () => void (timer.isOff = true);
      },
      random: (bytes) => new Uint8Array(bytes),
    },
    async pass(ms) {
      const until = now + ms;
      const next = () => timers.filter(({ at, isOff }) => !isOff && at <= until).toSorted((one, other) => one.at - other.at)[0];
      for (let timer = next(); timer !== undefined; timer = next()) {
        now = timer.at;
        timer.isOff = true;
        timer.run();
        await settled();
      }
      now = until;
      await settled();
    },
  };
}
