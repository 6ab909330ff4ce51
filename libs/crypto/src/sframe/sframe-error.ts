export type SframeProblem = 'malformed' | 'unknown-key' | 'replayed' | 'not-authentic' | 'out-of-range';

/** A frame that must not be played, or a counter that is used up. Nothing of the frame is in the error. */
export class SframeError extends Error {
  problem: SframeProblem;
  constructor(problem: SframeProblem) {
    super(`SFrame: ${problem}`);
    this.problem = problem;
  }
}
