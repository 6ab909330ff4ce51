import { type Client, type MediaEngine, MemoryStore, type MessageView, type Problem, Rialto, type Store } from '@rialto/client';
import type { ConversationId } from '@rialto/contracts';
import { ask } from './http.ts';
import { newHandle } from './person.ts';
import { type System, until } from './system.ts';

const PATIENCE_MS = 45_000;
/** What a client gives at a time at most. */
const PAGE = 500;
/** Reading a long conversation again and again would keep the clients, which share this process, from their work. */
const LOOK_EVERY_MS = 300;

/** A person with a whole client, as an app would have it. */
export interface Someone {
  readonly handle: string;
  readonly store: Store;
  readonly client: Client;
  readonly phrase: string;
  /** What the client found wrong with the server or the others. */
  readonly problems: Problem[];
}

/** People with clients on the system, at either gateway. */
export class World {
  readonly #system: System;
  readonly #clients = new Set<Client>();
  constructor(system: System) {
    this.#system = system;
  }

  async enter(name: string, { media, url = this.#system.url }: { media?: MediaEngine; url?: string } = {}): Promise<Someone> {
    const handle = newHandle(name);
    const store = new MemoryStore();
    const { client, recoveryPhrase } = await Rialto.register({ url, store, handle, displayName: name, ...(media && { media }) });
    this.#clients.add(client);
    const problems: Problem[] = [];
    client.on('problem', (problem) => problems.push(problem));
    await client.whenOnline();
    return { handle, store, client, phrase: recoveryPhrase, problems };
  }

  /** Adds simulated money by way of the checkout page. */
  async fund({ client }: Someone, amountMinor: bigint): Promise<void> {
    const { topUpId, checkoutUrl } = await client.wallet.topUp({ currency: 'EUR', amountMinor });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const path = `${new URL(checkoutUrl ?? '').pathname}/pay`;
    await ask(this.#system.url, { method: 'POST', path, headers, body: 'card=pays' });
    await until(
      'the money',
      async () => ((await client.wallet.topUpState(topUpId)).state === 'paid' ? true : undefined),
      PATIENCE_MS,
    );
    await client.wallet.refresh();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    this.#clients.clear();
  }
}

/** Opens the conversation of two, and the second accepts it. */
export async function introduce(ana: Someone, ben: Someone): Promise<ConversationId> {
  const { id } = await ana.client.conversations.createDm(`@${ben.handle}`);
  await until('the request', async () => (await ben.client.conversations.list()).find((one) => one.id === id), PATIENCE_MS);
  await ben.client.conversations.accept(id);
  return id;
}

/** All messages of a conversation, oldest first, as somebody's client shows them. */
export async function shown({ client }: Someone, id: ConversationId): Promise<readonly MessageView[]> {
  const conversation = await client.conversations.get(id);
  let messages: MessageView[] = [];
  for (;;) {
    const [oldest] = messages;
    const page = await conversation.page({ limit: PAGE, ...(oldest && { before: oldest.order }) });
    if (page.length === 0) return messages;
    messages = [...page, ...messages];
  }
}
export const textsOf = (messages: readonly MessageView[]): string[] =>
  messages.flatMap(({ body }) => (body.type === 'text' ? [body.text] : []));

/** Waits until somebody's client shows as many texts, and gives them back in reading order. */
export const whenShown = (someone: Someone, id: ConversationId, count: number, everyMs = LOOK_EVERY_MS): Promise<string[]> =>
  until(
    `${count} texts`,
    async () => {
      const texts = textsOf(await shown(someone, id));
      return texts.length >= count ? texts : undefined;
    },
    PATIENCE_MS,
    everyMs,
  );
