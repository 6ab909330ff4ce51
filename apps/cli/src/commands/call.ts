import { readFile } from 'node:fs/promises';
import type { Call, MediaStats, RialtoClient } from '@rialto/client';
import type { Command } from 'commander';
import { NodeMediaEngine } from '../media/engine.ts';
import { samples } from '../media/sound.ts';
import { readWav } from '../media/wav.ts';
import { print } from '../output.ts';
import { CallNotHeld, type GlobalOptions, UsageError, withClient } from '../session.ts';
import { existing } from './messages.ts';

/** Numbers of a call are gone with it, so they are read while it goes on. */
const LOOK_EVERY_MS = 250;

interface CallFlags {
  readonly seconds?: string;
  readonly wav?: string;
  readonly decline?: boolean;
}

/** `call`, `answer`, `hide-address`. */
export function callCommands(program: Command): void {
  program
    .command('call')
    .argument('<handle>')
    .option('-s, --seconds <count>', 'hang up after this time')
    .option('--wav <file>', 'say this instead of a tone (48 kHz, 16 bit, mono)')
    .description('call somebody by voice; Ctrl-C hangs up')
    .action(async (handle: string, flags: CallFlags, command: Command) => {
      const media = await engineFor(flags);
      return withClient(
        command.optsWithGlobals<GlobalOptions>(),
        async (client) => {
          const conversation = await existing(client, handle);
          await follow(client, await client.calls.start(conversation.id, { media: 'audio' }), flags, command.optsWithGlobals());
        },
        { media },
      );
    });

  program
    .command('answer')
    .option('-s, --seconds <count>', 'hang up after this time')
    .option('--wav <file>', 'say this instead of a tone (48 kHz, 16 bit, mono)')
    .option('--decline', 'turn it away instead')
    .description('wait for a call and take it')
    .action(async (flags: CallFlags, command: Command) => {
      const media = await engineFor(flags);
      return withClient(
        command.optsWithGlobals<GlobalOptions>(),
        async (client) => {
          console.error('Waiting for a call…');
          const call = client.calls.current ?? (await new Promise<Call>((resolve) => client.on('call.incoming', resolve)));
          await (flags.decline ? call.decline() : call.answer());
          await follow(client, call, flags, command.optsWithGlobals());
        },
        { media },
      );
    });

  program
    .command('hide-address')
    .argument('[on|off]', 'left out: shows what is chosen')
    .description('let calls go through the relay only, so that who you talk with does not see your address')
    .action((choice: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, ({ settings }) => hideAddress(options, settings, choice), { offline: true });
    });
}

async function hideAddress(
  options: GlobalOptions,
  settings: RialtoClient['settings'],
  choice: string | undefined,
): Promise<void> {
  if (choice !== undefined && choice !== 'on' && choice !== 'off') throw new UsageError('The choice is “on” or “off”.');
  if (choice !== undefined) await settings.setHidesAddressInCalls(choice === 'on');
  const { hidesAddressInCalls } = settings;
  const sentence = hidesAddressInCalls
    ? 'Your address is hidden: calls go through the relay only.'
    : 'Calls may go directly: who you talk with can see your address.';
  print(options, { hidesAddressInCalls }, [sentence]);
}

async function engineFor({ wav }: CallFlags): Promise<NodeMediaEngine> {
  if (wav === undefined) return new NodeMediaEngine();
  const sound = readWav(await readFile(wav));
  return new NodeMediaEngine({ source: () => samples(sound) });
}

/** Shows the call until it ends. Throws `CallNotHeld` when it ended otherwise than by somebody hanging up, or by the declining that was asked for. */
async function follow(client: RialtoClient, call: Call, { seconds, decline }: CallFlags, options: GlobalOptions): Promise<void> {
  const hangUp = () => {
    call.hangUp().catch((error: unknown) => console.error(String(error)));
  };
  process.once('SIGINT', hangUp);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stats: MediaStats | null = null;
  const watch = setInterval(() => {
    call.stats().then(
      (now) => (stats = now ?? stats),
      (error: unknown) => console.error(String(error)),
    );
  }, LOOK_EVERY_MS);
  await new Promise<void>((resolve) => {
    const look = () => {
      if (call.state === 'active' && seconds !== undefined) timer ??= setTimeout(hangUp, Number(seconds) * 1_000);
      console.error(call.state);
      if (call.state === 'ended') resolve();
    };
    client.on('call.changed', (changed) => changed.id === call.id && look());
    look();
  });
  clearInterval(watch);
  clearTimeout(timer);
  process.off('SIGINT', hangUp);
  const reason = call.endReason ?? 'failed';
  if (reason !== (decline ? 'declined' : 'hung-up')) throw new CallNotHeld(reason, call.failure);
  print(options, { callId: call.id, endReason: reason, stats }, [`The call is over: ${reason}.`]);
}
