import { messaging } from '@rialto/contracts';
import { publicXwingSuite, ready } from '@rialto/crypto/server';
import { defineService } from '@rialto/service';
import { Blocks } from './blocks.ts';
import { Commits } from './commits.ts';
import { messagingConfig } from './config.ts';
import { Conversations } from './conversations.ts';
import { Cursors } from './cursors.ts';
import { Dms } from './dms.ts';
import { MessageLog } from './message-log.ts';
import { Messages } from './messages.ts';
import { Reach } from './reach.ts';
import { Retention } from './retention.ts';
import { BlockTable } from './tables.ts';
import { Welcomes } from './welcomes.ts';

/** Conversations and their log: a sequencer of commits and sealed messages, never a reader. */
export const messagingService = defineService({
  contract: messaging,
  config: messagingConfig,
  entities: [BlockTable],
  build: async ({ database, nats, push, work, log }) => {
    await ready();
    const suite = await publicXwingSuite();
    const commits = new Commits({ database, push, suite });
    const conversations = new Conversations({ database, push });
    const dms = new Dms({ database, nats, push, suite, conversations });
    const messages = new Messages({ database, messageLog: new MessageLog(database), push, log });
    const cursors = new Cursors(database);
    const welcomes = new Welcomes(database);
    const blocks = new Blocks({ database, push });
    const reach = new Reach(database);
    await new Retention({ database, work }).start();
    return {
      handlers: {
        createDm: dms.create,
        findDm: dms.find,
        listConversations: conversations.list,
        getConversation: conversations.get,
        acceptConversation: conversations.accept,
        blockAccount: blocks.block,
        unblockAccount: blocks.unblock,
        listBlocks: blocks.list,
        commit: commits.commit,
        getGroupInfo: commits.getGroupInfo,
        listWelcomes: welcomes.list,
        sendMessage: messages.send,
        listMessages: messages.list,
        acknowledge: cursors.acknowledge,
        getReach: reach.get,
      },
    };
  },
});
