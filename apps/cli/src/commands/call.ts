import { readFile } from 'node:fs/promises';
import type { Call, RialtoClient } from '@rialto/client';
import type { Command } from 'commander';
import { NodeMediaEngine } from '../media/engine.ts';
import { samples } from '../media/sound.ts';
import { readWav } from '../media/wav.ts';
import { print } from '../output.ts';
import { type GlobalOptions, withClient } from '../session.ts';
import { existing } from './messages.ts';

interface CallFlags {
  readonly seconds?: string;
  readonly wav?: string;
}

/** `call`, `answer`. */
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
    .description('wait for a call and take it')
    .action(async (flags: CallFlags, command: Command) => {
      const media = await engineFor(flags);
      return withClient(
        command.optsWithGlobals<GlobalOptions>(),
        async (client) => {
          console.error('Waiting for a call…');
          const call = client.calls.current ?? (await new Promise<Call>((resolve) => client.on('call.incoming', resolve)));
          await call.answer();
          await follow(client, call, flags, command.optsWithGlobals());
        },
        { media },
      );
    });
}

async function engineFor({ wav }: CallFlags): Promise<NodeMediaEngine> {
  if (wav === undefined) return new NodeMediaEngine();
  const sound = readWav(await readFile(wav));
  return new NodeMediaEngine({ source: () => samples(sound) });
}

/** Shows the call until it ends. */
async function follow(client: RialtoClient, call: Call, { seconds }: CallFlags, options: GlobalOptions): Promise<void> {
  const hangUp = () => {
    call.hangUp().catch((error: unknown) => console.error(String(error)));
  };
  process.once('SIGINT', hangUp);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let heard: unknown = null;
  await new Promise<void>((resolve) => {
    const look = () => {
      if (call.state === 'active' && seconds !== undefined) timer ??= setTimeout(hangUp, Number(seconds) * 1_000);
      if (call.state === 'active') void call.stats().then((stats) => (heard = stats));
      console.error(call.state);
      if (call.state === 'ended') resolve();
    };
    client.on('call.changed', (changed) => changed.id === call.id && look());
    look();
  });
  clearTimeout(timer);
  process.off('SIGINT', hangUp);
  print(options, { callId: call.id, endReason: call.endReason, stats: heard }, [
    `The call is over: ${call.endReason ?? 'ended'}.`,
  ]);
}
