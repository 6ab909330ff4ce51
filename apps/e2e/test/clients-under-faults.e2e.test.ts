import type { ConversationId } from '@rialto/contracts';
import { closeAgents } from '../src/http.ts';
import { System, until } from '../src/system.ts';
import { introduce, shown, type Someone, textsOf, whenShown, World } from '../src/world.ts';

/** What happens to people with whole clients while processes die under their hands: what they wrote arrives once, in order, and readable. */
const MESSAGES_A_FAULT = 60;
const RECOVERS_WITHIN_MS = 40_000;
const VICTIMS = [
  'messaging',
  'gateway',
  'messaging-2',
  'gateway-2',
  'identity',
  'payments',
  'calls',
  'postgres',
  'nats',
] as const;

let system: System;
let world: World;
let ana: Someone;
let ben: Someone;
let id: ConversationId;
const written = { ana: [] as string[], ben: [] as string[] };

beforeAll(async () => {
  system = new System();
  await system.whenReady(RECOVERS_WITHIN_MS);
  world = new World(system);
  [ana, ben] = [await world.enter('ana'), await world.enter('ben', { url: system.gateway(1) })];
  id = await introduce(ana, ben);
  await world.fund(ana, 5_000n);
});
afterAll(async () => {
  await world.close();
  await system.close();
  closeAgents();
});

async function kill(name: string): Promise<void> {
  const pid = system.pidOf(name);
  system.signal(name, 'SIGKILL');
  await until('a new process', () => (system.pidOf(name) === pid ? undefined : true), RECOVERS_WITHIN_MS);
}

/** Both write at the same time; in the middle of it a process is killed. */
async function writeWhile(fault: () => Promise<void>): Promise<void> {
  const lines = async (who: 'ana' | 'ben', someone: Someone) => {
    const conversation = await someone.client.conversations.get(id);
    for (let number = 0; number < MESSAGES_A_FAULT / 2; number += 1) {
      const text = `${who} ${written[who].length}`;
      written[who].push(text);
      await conversation.send({ text });
    }
  };
  const writing = Promise.all([lines('ana', ana), lines('ben', ben)]);
  await fault();
  await writing;
}

/** Everything that was written is there once, in the order in which its writer wrote it, for both; nothing could not be read. */
async function expectWhole(): Promise<void> {
  const count = written.ana.length + written.ben.length;
  for (const someone of [ana, ben]) {
    const texts = await whenShown(someone, id, count);
    for (const who of ['ana', 'ben'] as const) expect(texts.filter((text) => text.startsWith(who))).toEqual(written[who]);
    const messages = await shown(someone, id);
    expect(
      messages.filter(
        ({ body, gapBefore, historyDiffers }) => body.type === 'undecryptable' || gapBefore !== undefined || historyDiffers,
      ),
    ).toEqual([]);
    expect(textsOf(messages)).toHaveLength(count);
    await until(
      'nothing waits',
      async () => ((await someone.client.conversations.summary(id)).pendingSends === 0 ? true : undefined),
      RECOVERS_WITHIN_MS,
    );
    expect(messages.filter(({ state }) => state === 'failed')).toEqual([]);
  }
}

test.each(VICTIMS)('kill -9 of %s while both write', async (name) => {
  await writeWhile(() => kill(name));
  await system.whenReady(RECOVERS_WITHIN_MS);
  await expectWhole();
});

test('kill -9 of payments while money is sent: it leaves once, and the card says so', async () => {
  const conversation = await ana.client.conversations.get(id);
  const before = (await ana.client.wallet.refresh()).find(({ currency }) => currency === 'EUR')?.balanceMinor ?? 0n;
  const sending = conversation.sendMoney({ amountMinor: 300n, currency: 'EUR', memo: 'once' });
  const killing = kill('payments');
  const { transfer } = await sending;
  await killing;
  await system.whenReady(RECOVERS_WITHIN_MS);
  const card = await until(
    'the card',
    async () => (await shown(ben, id)).find(({ body }) => body.type === 'payment' && body.state === 'settled'),
    RECOVERS_WITHIN_MS,
  );
  expect(card.body).toMatchObject({ transferId: transfer.transferId, memo: 'once' });
  await ana.client.wallet.refresh();
  const after = ana.client.wallet.balances.find(({ currency }) => currency === 'EUR')?.balanceMinor;
  expect(before - (after ?? 0n)).toBe(300n);
  const entries = await ben.client.wallet.statement('EUR');
  expect(entries.filter(({ transferId }) => transferId === transfer.transferId)).toHaveLength(1);
});

test('neither client saw anything wrong', () => {
  expect([ana.problems, ben.problems]).toEqual([[], []]);
});
