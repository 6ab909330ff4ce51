import { DEFAULT_URL, readEnvironment } from './config.ts';
import { playCall } from './demo/call.ts';
import { playMessages } from './demo/messages.ts';
import { playMoney } from './demo/money.ts';
import { Stage } from './demo/stage.ts';

const ANA_TONE_HZ = 440;
const BEN_TONE_HZ = 660;

/** Plays what Rialto is for on a running server: two people meet, write, pay and call. Resolves to the exit code. */
async function play(url: string): Promise<number> {
  const stage = new Stage(url);
  console.log(`Rialto demo on ${url}`);
  try {
    stage.chapter('Two people arrive');
    const says = ({ handle, phrase }: { handle: string; phrase: string }) =>
      `@${handle}, a recovery phrase of ${phrase.split(' ').length} words`;
    const ana = await stage.step('Ana makes an account', () => stage.enter('Ana', ANA_TONE_HZ), says);
    const ben = await stage.step('Ben makes an account', () => stage.enter('Ben', BEN_TONE_HZ), says);
    const { anas, bens } = await playMessages(stage, ana, ben);
    await playMoney(stage, { ana, ben, anas, bens });
    await playCall(stage, { ana, ben, anas });
    stage.demandNoProblems();
    console.log(`\nDone in ${stage.elapsedSeconds} s. The server carried all of it and could read none of the messages.`);
    return 0;
  } catch (error) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await stage.clear();
  }
}

process.exitCode = await play(readEnvironment().url ?? DEFAULT_URL);
