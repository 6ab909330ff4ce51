import type { Conversation } from '@rialto/client';
import { type Actor, demand, type Stage, until } from './stage.ts';

/** Two people meet by handle and write to each other. */
export async function playMessages(stage: Stage, ana: Actor, ben: Actor): Promise<{ anas: Conversation; bens: Conversation }> {
  stage.chapter('They meet and write');
  const anas = await stage.step(
    `Ana finds @${ben.handle} and opens a conversation`,
    () => ana.client.conversations.createDm(`@${ben.handle}`),
    () => 'a group of two devices, post-quantum keys',
  );
  const hello = await stage.step('Ana writes before Ben has accepted', async () => {
    const sent = await anas.send({ text: 'Hello Ben, this is Ana.' });
    await anas.flushed();
    return sent;
  });
  const request = await stage.step('Ben sees a request, unopened', () =>
    until('the request', async () => (await ben.client.conversations.list()).find(({ needs }) => needs === 'acceptance')),
  );
  const bens = await stage.step('Ben accepts, joins by the welcome and reads', async () => {
    const conversation = await ben.client.conversations.accept(request.id);
    await until('the message', async () => (await conversation.page()).find(({ id }) => id === hello.id));
    return conversation;
  });
  await stage.step('Ben replies and reacts', async () => {
    await bens.send({ text: 'Hello Ana. Lunch was 24 €, half of it is yours.', replyTo: hello.id });
    await bens.react(hello.id, '👋');
    await bens.markRead(hello.id);
    await bens.flushed();
  });
  await stage.step(
    'Ana sees the reply, the reaction and that Ben has read it',
    () =>
      until('reply, reaction and receipt', async () => {
        const page = await anas.page();
        const mine = page.find(({ id }) => id === hello.id);
        const reply = page.find(({ replyTo }) => replyTo?.id === hello.id);
        const isAnswered =
          mine?.state === 'read' && mine.reactions[0]?.emoji === '👋' && reply?.replyTo?.excerpt === 'Hello Ben, this is Ana.';
        return isAnswered && reply;
      }),
    ({ body }) => (body.type === 'text' ? `“${body.text}”` : body.type),
  );
  await stage.step(
    'Safety numbers are equal on both sides',
    async () => {
      const [hers, his] = [await ana.client.people.find(ben.handle), await ben.client.people.find(ana.handle)];
      demand(
        hers.safetyNumber.length === 12 && hers.safetyNumber.join() === his.safetyNumber.join(),
        'The safety numbers differ.',
      );
      return hers.safetyNumber;
    },
    (groups) => groups.join(' '),
  );
  return { anas, bens };
}
