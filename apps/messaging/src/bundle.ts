import { AppError, type ClientMessageId, MAX_COMMIT_BUNDLE_BYTES } from '@rialto/contracts';
import type { Bundle, CommitAnswer, LeafCredential } from '@rialto/crypto/server';
import { judgeCommit, type PublicSuite } from '@rialto/crypto/server';
import { bytesOf } from './bytes.ts';

/** A commit with what it makes necessary, as it arrives. */
export interface BundleInput {
  readonly clientMessageId: ClientMessageId;
  readonly epoch: number;
  readonly commit: string;
  readonly groupInfo: string;
  readonly welcome: string | null;
}
export type AcceptedCommit = Extract<CommitAnswer, { accepted: true }>;

/** Throws `payload-too-large` when the parts are within their limits and the whole is not. */
export function bundleOf(input: BundleInput): Bundle {
  const [commit, groupInfo] = [bytesOf(input.commit), bytesOf(input.groupInfo)];
  const welcome = input.welcome === null ? undefined : bytesOf(input.welcome);
  if (commit.length + groupInfo.length + (welcome?.length ?? 0) > MAX_COMMIT_BUNDLE_BYTES)
    throw new AppError('payload-too-large');
  return welcome === undefined ? { commit, groupInfo } : { commit, groupInfo, welcome };
}

interface Judged {
  readonly groupInfo: Uint8Array;
  readonly bundle: Bundle;
  readonly session: Pick<LeafCredential, 'account' | 'device'>;
}

/**
 * What the sequencer makes of a commit: the state that it leads to, or `commit-refused` with the rule that it breaks. A pure question of
 * bytes that costs milliseconds, so it is asked before any row is locked.
 */
export async function judge(judged: Judged, suite: PublicSuite): Promise<AcceptedCommit> {
  const answer = await judgeCommit(judged, suite);
  if (answer.accepted) return answer;
  if (answer.reason === 'stale-epoch') throw new AppError('stale-epoch');
  throw new AppError('commit-refused', { reason: answer.reason });
}
