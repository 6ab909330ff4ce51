import { freePort } from '@rialto/engines';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';
import { StartedByCommand } from '../src/started-by-command.ts';

const STARTS = 3;
/** Long enough for everything to have asked everybody once, and for the garbage of the start to be gone. */
const SETTLE_MS = 20_000;
const LOOKS = 3;
const LOOK_EVERY_MS = 2_000;
const ALONE = { control: null, controlValue: null, ratio: null };

/** The system as people have it: `npm start`'s own program, with the web client, on data that exist already. */
export default {
  measures: {
    'start-warm': 'seconds from the command to "Rialto is ready", on existing data',
    'memory-idle': 'MB of proportional memory (PSS) of our processes without the engines, nobody there',
  },
  async run(wanted, say) {
    const place = await StartedByCommand.place(await freePort());
    try {
      say('the first start makes the data and builds the web client …');
      await (await place.start(say)).stop();
      const results: Result[] = [];
      if (wanted.has('start-warm')) results.push(await startWarm(place, say));
      if (wanted.has('memory-idle')) results.push(await memoryIdle(place, say));
      return results;
    } finally {
      place.remove();
    }
  },
} satisfies MeasureFile;

async function startWarm(place: StartedByCommand, say: Say): Promise<Result> {
  const times: number[] = [];
  for (let start = 1; start <= STARTS; start += 1) {
    const running = await place.start();
    times.push(running.readyAfterS);
    say(`start ${start} of ${STARTS}: ready after ${running.readyAfterS.toFixed(1)} s`);
    await running.stop();
  }
  return { measure: 'start-warm', value: rounded(median(times), 1), unit: 's', ...ALONE };
}

async function memoryIdle(place: StartedByCommand, say: Say): Promise<Result> {
  const running = await place.start();
  try {
    await pause(SETTLE_MS);
    const totals: number[] = [];
    for (let look = 1; look <= LOOKS; look += 1) {
      const megabytes = running.memoryMb();
      totals.push([...megabytes.values()].reduce((total, one) => total + one, 0));
      say([...megabytes].map(([name, one]) => `${name} ${Math.round(one)}`).join(', '));
      await pause(LOOK_EVERY_MS);
    }
    return { measure: 'memory-idle', value: rounded(median(totals), 0), unit: 'MB', ...ALONE };
  } finally {
    await running.stop();
  }
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
