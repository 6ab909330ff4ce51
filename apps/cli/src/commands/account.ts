import { Rialto } from '@rialto/client';
import type { Command } from 'commander';
import { print } from '../output.ts';
import { type GlobalOptions, openProfile, serverUrl, withClient } from '../session.ts';

/** `register`. */
export function registerCommand(program: Command): void {
  program
    .command('register')
    .argument('<handle>', 'how people find you: 3 to 30 of a–z, 0–9 and _')
    .option('-n, --name <name>', 'the name that people see')
    .description('make an account with this profile as its first device')
    .action(async (handle: string, { name }: { name?: string }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const store = await openProfile(options);
      try {
        const request = { url: serverUrl(options), store, handle, ...(name !== undefined && { displayName: name }) };
        const { client, recoveryPhrase } = await Rialto.register(request);
        print(options, { ...client.account, recoveryPhrase }, [
          `You are @${client.account.handle}.`,
          '',
          `  ${recoveryPhrase}`,
          '',
          'These twelve words are the account: write them down now, they are not shown again.',
          'Then try `rialto confirm-phrase`.',
        ]);
        await client.forgetRecoveryPhrase();
        await client.close();
      } finally {
        await store.close();
      }
    });
}

/** `whoami`, `confirm-phrase`. */
export function accountCommands(program: Command): void {
  program
    .command('whoami')
    .description('show the account of this profile')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(
        options,
        async (client) => {
          const { account } = client;
          const unseen = await client.recoveryPhrase(); // registering was cut off before it showed them
          const phrase = unseen ?? (account.recoveryPhraseConfirmed ? 'confirmed' : 'not confirmed yet');
          print(options, { ...account, ...(unseen !== null && { recoveryPhrase: unseen }) }, [
            `@${account.handle} (${account.displayName})`,
            `account ${account.accountId}`,
            `device  ${account.deviceId}`,
            `recovery phrase ${phrase}`,
          ]);
          if (unseen !== null) await client.forgetRecoveryPhrase();
        },
        { offline: true },
      );
    });

  program
    .command('confirm-phrase')
    .argument('<words...>', 'the twelve words')
    .description('check that you have the recovery phrase right')
    .action((words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(
        options,
        async (client) => {
          await client.confirmRecoveryPhrase(words.join(' '));
          print(options, { confirmed: true }, ['✓ These are the words.']);
        },
        { offline: true },
      );
    });
}

/** `devices`, `revoke`. */
export function deviceCommands(program: Command): void {
  program
    .command('devices')
    .description('list the devices of the account')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ devices }) => {
        const list = await devices.list();
        const lines = list.map(
          ({ deviceId, addedAt, isCurrent }) => `${deviceId}  since ${addedAt}${isCurrent ? '  (this one)' : ''}`,
        );
        print(options, list, lines);
      });
    });

  program
    .command('revoke')
    .argument('<device>', 'its id, from `rialto devices`')
    .description('remove a device of the account for good')
    .action((device: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ devices }) => {
        await devices.revoke(device);
        print(options, { revoked: device }, [`✓ ${device} is no longer a device of this account.`]);
      });
    });
}
