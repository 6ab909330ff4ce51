import type { Person, RialtoClient } from '@rialto/client';
import type { Command } from 'commander';
import { print } from '../output.ts';
import { type GlobalOptions, withClient } from '../session.ts';

export const nameOf = ({ handle, displayName, accountId }: Person): string =>
  `${handle === null ? accountId.slice(0, 8) : `@${handle}`}${displayName === null ? '' : ` (${displayName})`}`;

/** `find`, `safety`, `block`, `unblock`. */
export function peopleCommands(program: Command): void {
  program
    .command('find')
    .argument('<handle>')
    .description('look somebody up')
    .action((handle: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ people }) => {
        const person = await people.find(handle);
        print(options, person, [nameOf(person), `account ${person.accountId}`, ...safetyLines(person)]);
      });
    });

  program
    .command('safety')
    .argument('<handle>')
    .option('--verified', 'remember that you compared the number')
    .description('show the safety number that you and somebody share')
    .action((handle: string, { verified }: { verified?: boolean }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ people }) => {
        const found = await people.find(handle);
        const person = verified ? await people.markVerified(found.accountId) : found;
        print(options, person, safetyLines(person));
      });
    });

  const blocking = (
    name: 'block' | 'unblock',
    description: string,
    act: (client: RialtoClient, person: Person) => Promise<void>,
  ) =>
    program
      .command(name)
      .argument('<handle>')
      .description(description)
      .action((handle: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<GlobalOptions>();
        return withClient(options, async (client) => {
          const person = await client.people.find(handle);
          await act(client, person);
          print(options, { [name]: person.accountId }, [`✓ ${name}ed ${nameOf(person)}`]);
        });
      });
  blocking('block', 'stop somebody from writing to you and calling you', ({ conversations }, { accountId }) =>
    conversations.block(accountId),
  );
  blocking('unblock', 'lift a block', ({ conversations }, { accountId }) => conversations.unblock(accountId));
}

function safetyLines({ safetyNumber, isVerified, alarm }: Person): string[] {
  const rows = [0, 4, 8].map((start) => `  ${safetyNumber.slice(start, start + 4).join('  ')}`);
  const state = alarm ? '! The keys changed in a way that must not be.' : isVerified ? '✓ verified' : 'not compared yet';
  return ['safety number, the same on both sides:', ...rows, state];
}
