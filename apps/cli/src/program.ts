import { Command } from 'commander';
import { accountCommands, deviceCommands, registerCommand } from './commands/account.ts';
import { callCommands } from './commands/call.ts';
import { readingCommands, writingCommands } from './commands/messages.ts';
import { paymentCommands, walletCommands } from './commands/money.ts';
import { peopleCommands } from './commands/people.ts';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('rialto')
    .description('Rialto in the terminal: sealed messages, calls and payments under one handle.')
    .option('--json', 'answer in JSON, one line')
    .option('-p, --profile <name>', 'which of the accounts on this machine (also RIALTO_PROFILE)')
    .option('--url <address>', 'the server (also RIALTO_URL)')
    .showHelpAfterError('(try --help)')
    .addHelpText(
      'after',
      `
Each profile is one device of one account, kept in RIALTO_HOME (default ~/.local/share/rialto). With RIALTO_PASSPHRASE set, its key
comes from the passphrase. Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 no account, 4 server away, 5 profile in use.

  $ rialto --profile ana register ana
  $ rialto --profile ben register ben
  $ rialto --profile ana send @ben Hello Ben
  $ rialto --profile ben accept @ana`,
    );
  registerCommand(program);
  accountCommands(program);
  peopleCommands(program);
  writingCommands(program);
  readingCommands(program);
  walletCommands(program);
  paymentCommands(program);
  callCommands(program);
  deviceCommands(program);
  return program;
}
