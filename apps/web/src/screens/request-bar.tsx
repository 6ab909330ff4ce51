import type { ConversationSummary } from '@rialto/client';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { Button } from '../parts/button.tsx';
import { notify, useClient } from '../session/state.ts';
import { nameOf, sayError } from '../session/words.ts';

/** Stands where the composer would be, while a stranger waits or somebody is blocked. */
export function RequestBar({ summary: { id, peer, standing } }: { summary: ConversationSummary }) {
  const client = useClient();
  const [, go] = useLocation();
  const [busy, setBusy] = useState<'accept' | 'block'>();
  const run = async (what: 'accept' | 'block', work: () => Promise<unknown>) => {
    setBusy(what);
    await work().catch((thrown: unknown) => notify(sayError(thrown)));
    setBusy(undefined);
  };
  if (standing === 'blocked') {
    return (
      <div className="request-bar">
        <p>You blocked {nameOf(peer)}.</p>
        <Button
          look="outline"
          busy={busy === 'block'}
          onClick={() => void run('block', () => client.conversations.unblock(peer.accountId))}
        >
          Unblock
        </Button>
      </div>
    );
  }
  return (
    <div className="request-bar">
      <Button
        look="outline"
        busy={busy === 'block'}
        onClick={() =>
          void run('block', async () => {
            await client.conversations.block(peer.accountId);
            go('/');
          })
        }
      >
        Block
      </Button>
      <Button busy={busy === 'accept'} onClick={() => void run('accept', () => client.conversations.accept(id))}>
        Accept
      </Button>
    </div>
  );
}
