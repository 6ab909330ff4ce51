import { createInterface } from 'node:readline/promises';
import type { Body, Conversation, ConversationSummary, MessageView, RialtoClient } from '@rialto/client';
import type { Command } from 'commander';
import { formatAmount } from '../money.ts';
import { print } from '../output.ts';
import { printable } from '../printable.ts';
import { type GlobalOptions, UsageError, withClient } from '../session.ts';
import { nameOf } from './people.ts';

const DEFAULT_LINES = '20';
const MARKS = { sending: '…', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: '✗ failed' } as const;

/** `chats`, `send`, `react`. */
export function writingCommands(program: Command): void {
  program
    .command('chats')
    .description('list the conversations')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ conversations }) => {
        const list = await conversations.list();
        print(options, list, list.length > 0 ? list.map(summaryLine) : ['No conversations yet: try `rialto chat @handle`.']);
      });
    });

  program
    .command('send')
    .argument('<handle>')
    .argument('<text...>')
    .option('-r, --reply <message>', 'the id of the message that this answers')
    .description('send a message')
    .action((handle: string, words: string[], { reply }: { reply?: string }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ conversations }) => {
        const conversation = await conversations.createDm(handle);
        const sent = await conversation.send({ text: words.join(' '), ...(reply !== undefined && { replyTo: reply }) });
        await conversation.flushed();
        const message = await conversation.message(sent.id);
        print(options, message, [`${MARKS[message.state]} ${message.id}`]);
      });
    });

  program
    .command('react')
    .argument('<handle>')
    .argument('<message>', 'its id, from `rialto read --json`')
    .argument('[emoji]', 'left out: takes the reaction back')
    .description('react to a message')
    .action((handle: string, message: string, emoji: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async (client) => {
        const conversation = await existing(client, handle);
        await conversation.react(message, emoji ?? null);
        await conversation.flushed();
        print(options, await conversation.message(message), ['✓']);
      });
    });
}

/** `read`, `accept`, `chat`. */
export function readingCommands(program: Command): void {
  program
    .command('read')
    .argument('<handle>')
    .option('-l, --limit <count>', 'how many messages', DEFAULT_LINES)
    .description('show the newest messages of a conversation and mark them read')
    .action((handle: string, { limit }: { limit: string }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async (client) => {
        const conversation = await existing(client, handle);
        const page = await conversation.page({ limit: Number(limit) || Number(DEFAULT_LINES) });
        const newest = page.at(-1);
        if (newest) await conversation.markRead(newest.id);
        print(options, page, page.map(messageLine));
      });
    });

  program
    .command('accept')
    .argument('<handle>')
    .description('accept the conversation that somebody has asked for')
    .action((handle: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async (client) => {
        const conversation = await existing(client, handle);
        await client.conversations.accept(conversation.id);
        await client.sync();
        print(options, await client.conversations.summary(conversation.id), ['✓ accepted']);
      });
    });

  program
    .command('chat')
    .argument('<handle>')
    .description('talk: shows what comes, sends what you type; /quit ends it')
    .action((handle: string, _options: unknown, command: Command) =>
      withClient(command.optsWithGlobals<GlobalOptions>(), (client) => talk(client, handle)),
    );
}

async function talk(client: RialtoClient, handle: string): Promise<void> {
  const conversation = await client.conversations.createDm(handle);
  for (const message of await conversation.page({ limit: Number(DEFAULT_LINES) })) console.log(printable(messageLine(message)));
  const shown = new Set<string>();
  const off = client.on('message.changed', ({ conversationId, message }) => {
    if (conversationId !== conversation.id || message.isMine || shown.has(message.id)) return;
    shown.add(message.id);
    console.log(printable(messageLine(message)));
    conversation.markRead(message.id).catch((error: unknown) => console.error(String(error)));
  });
  const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY });
  try {
    for await (const line of lines) {
      if (line.trim() === '/quit') break;
      if (line.trim() !== '') await conversation.send({ text: line });
    }
    await conversation.flushed();
  } finally {
    off();
    lines.close();
  }
}

/** The conversation with somebody, which must be there already. */
export async function existing(client: RialtoClient, handle: string): Promise<Conversation> {
  const person = await client.people.find(handle);
  const found = (await client.conversations.list()).find(({ peer }) => peer.accountId === person.accountId);
  if (!found) throw new UsageError(`There is no conversation with ${nameOf(person)} yet.`);
  return client.conversations.get(found.id);
}

function summaryLine({ peer, unread, needs, lastMessage, pendingSends }: ConversationSummary): string {
  const notes = [
    needs === 'acceptance' ? 'asks to talk: `rialto accept`' : needs === 'repair' ? 'needs repair' : undefined,
    unread > 0 ? `${unread} new` : undefined,
    pendingSends > 0 ? `${pendingSends} waiting to be sent` : undefined,
  ].filter((note) => note !== undefined);
  const last = lastMessage ? bodyText(lastMessage.body) : '';
  return `${nameOf(peer)}${notes.length > 0 ? ` [${notes.join(', ')}]` : ''}  ${last}`;
}

export function messageLine({ id, isMine, sentAt, body, state, reactions, replyTo }: MessageView): string {
  const mark = isMine ? ` ${MARKS[state]}` : '';
  const reply = replyTo ? ` ↩ “${replyTo.excerpt}”` : '';
  const emoji = reactions.map((reaction) => ` ${reaction.emoji}`).join('');
  return `${sentAt.slice(11, 16)} ${isMine ? 'you' : '   '} ${bodyText(body)}${reply}${emoji}${mark}  ${id}`;
}

function bodyText(body: Body): string {
  switch (body.type) {
    case 'text':
      return body.text;
    case 'payment': {
      const exponent = new Intl.NumberFormat('en', { style: 'currency', currency: body.currency }).resolvedOptions();
      const amount = formatAmount(body.amountMinor, body.currency, exponent.maximumFractionDigits ?? 2);
      return `[${amount}${body.memo === null ? '' : `, ${body.memo}`}: ${body.state}]`;
    }
    case 'call':
      return `[${body.media} call: ${body.outcome}, ${Math.round(body.durationMs / 1000)} s]`;
    case 'undecryptable':
      return `[cannot be opened: ${body.reason}${body.willRepair ? ', being repaired' : ''}]`;
    case 'unsupported':
      return '[needs a newer version]';
    case 'system':
      return `[${body.text}]`;
  }
}
