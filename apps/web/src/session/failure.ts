import { notify } from './state.ts';
import { sayError } from './words.ts';

/** Why something did not work, and until when (milliseconds since 1970) the server wants to hear no more of it. */
export interface Failure {
  readonly sentence: string;
  readonly until: number | null;
}

let waitOf: (thrown: unknown) => number | undefined = () => undefined;
/** How long a server asked to wait is known to the SDK, which comes later than the first screen. */
export function learnWaits(from: typeof waitOf): void {
  waitOf = from;
}

export function failureOf(thrown: unknown): Failure {
  const waitMs = waitOf(thrown);
  return waitMs === undefined
    ? { sentence: sayError(thrown), until: null }
    : { sentence: 'Too many tries in a short time.', until: Date.now() + waitMs };
}

/** Says at the edge of the screen what did not work; with a wait, the notice counts it down and offers to try again after it. */
export function notifyFailure(thrown: unknown, again?: () => void): void {
  const { sentence, until } = failureOf(thrown);
  notify(sentence, 'info', until === null ? {} : { until, again });
}
