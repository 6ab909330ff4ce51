/** Why a commit, or a group as such, is against the rules. */
export type Refusal =
  | 'malformed'
  | 'not-a-public-commit'
  | 'other-group'
  | 'other-epoch'
  | 'no-path'
  | 'sender'
  | 'proposal'
  | 'add-with-remove'
  | 'invalid'
  | 'leaf-changed'
  | 'leaf-unexplained'
  | 'not-in-roster'
  | 'not-certified'
  | 'below-minimum-chain'
  | 'duplicate'
  | 'limit'
  | 'policy-fixed'
  | 'not-admin'
  | 'remove-unexplained'
  | 'removes-another'
  | 'capabilities';

/** Thrown by the rules; `commitPolicy` turns it into a verdict. */
export class Refused extends Error {
  reason: Refusal;
  constructor(reason: Refusal, detail?: string) {
    super(detail ?? reason);
    this.reason = reason;
  }
}

/** Runs something that may throw anything, and says what its failure means. */
export function refuseOnFailure<T>(reason: Refusal, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw cause instanceof Refused ? cause : new Refused(reason, messageOf(cause));
  }
}

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
