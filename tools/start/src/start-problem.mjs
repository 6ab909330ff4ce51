/** Something that the person at the keyboard can mend; its message is one sentence for them, and no stack trace helps. */
export class StartProblem extends Error {}
