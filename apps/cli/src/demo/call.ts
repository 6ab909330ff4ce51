import type { Call, Conversation } from '@rialto/client';
import { type Actor, demand, type Stage, until } from './stage.ts';

const TALK_MS = 1_500;
const PITCH_TOLERANCE = 0.15;

/** A voice call over a real peer connection, with every frame encrypted by keys of the conversation's group. */
export async function playCall(stage: Stage, { ana, ben, anas }: { ana: Actor; ben: Actor; anas: Conversation }): Promise<void> {
  stage.chapter('They call');
  const ringing = new Promise<Call>((resolve) => ben.client.on('call.incoming', resolve));
  const hers = await stage.step("Ana calls and Ben's device rings", async () => {
    const call = await ana.client.calls.start(anas.id, { media: 'audio' });
    await ringing;
    return call;
  });
  const his = await ringing;
  await stage.step('Ben answers and media flows both ways', async () => {
    await his.answer();
    await until('the call', async () => hers.state === 'active' && his.state === 'active');
  });
  await stage.step(
    'Each hears the other',
    async () => {
      await new Promise((resolve) => setTimeout(resolve, TALK_MS));
      const sound = await until('sound', async () => {
        const [hear, heard] = [await hers.stats(), await his.stats()];
        return hear && heard && hear.audioEnergy > 0 && heard.audioEnergy > 0 && { hear, heard };
      });
      demandTone(ana, ben.toneHz);
      demandTone(ben, ana.toneHz);
      return sound;
    },
    ({ hear, heard }) =>
      `${hear.framesOpened} and ${heard.framesOpened} frames opened, ${hear.framesRefused + heard.framesRefused} refused, loudness ${hear.audioEnergy.toFixed(3)} and ${heard.audioEnergy.toFixed(3)}`,
  );
  await stage.step('Ana hangs up and both sides agree', async () => {
    await hers.hangUp();
    await until('the end', async () => his.state === 'ended' && hers.state === 'ended');
    demand(his.endReason === 'hung-up' && hers.endReason === 'hung-up', `It ended as ${hers.endReason} and ${his.endReason}.`);
    await until('the note in the conversation', async () => (await anas.page()).some(({ body }) => body.type === 'call'));
  });
}

/** What was heard is what the other one said. */
function demandTone({ name, ear }: Actor, toneHz: number): void {
  const isRight = Math.abs(ear.pitchHz - toneHz) < toneHz * PITCH_TOLERANCE;
  demand(isRight, `${name} heard ${ear.pitchHz} Hz where ${toneHz} Hz were said.`);
}
