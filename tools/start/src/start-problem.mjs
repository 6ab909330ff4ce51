import { EngineProblem } from '@rialto/engines';

/** Something that the person at the keyboard can mend; its message is one sentence for them, and no stack trace helps. */
export class StartProblem extends Error {}

/** Whether an error's message is for the person at the keyboard, and complete without a stack. */
export const isForPeople = (error) => error instanceof StartProblem || error instanceof EngineProblem;
