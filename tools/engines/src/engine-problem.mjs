/** An engine cannot be had or started, for a reason that the message says together with what helps. It is shown without a stack. */
export class EngineProblem extends Error {
  name = 'EngineProblem';
}
