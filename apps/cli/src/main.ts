import { CommanderError, type Command } from 'commander';
import { EXIT, printError } from './output.ts';
import { createProgram } from './program.ts';

/** Runs one command line; the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  for (const command of [program, ...program.commands] as Command[]) command.exitOverride();
  try {
    await program.parseAsync([...argv]);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return printError(program.opts(), error);
  }
}

process.exitCode = await run(process.argv);
