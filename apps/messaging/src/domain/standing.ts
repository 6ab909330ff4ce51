import type { ConversationView } from '@rialto/contracts';

/** How somebody stands to a conversation, as they themselves see it. Stored is only whether they accepted; a block is looked up. */
export type Standing = ConversationView['standing'];
