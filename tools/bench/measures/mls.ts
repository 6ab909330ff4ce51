import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '@rialto/client';
import { openFileStore } from '@rialto/client/node';
import { type Group, randomBytes, type Step } from '@rialto/crypto';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';
import { twoDevices } from '../src/two-devices.ts';

const ROUNDS = 5;
const MESSAGES = 300;
const TEXT_BYTES = 200;
const MS_A_SECOND = 1_000;
const CONTROL = 'the same without a store';

type Kind = 'mls-encrypt' | 'mls-decrypt';

/** One device after the other, as a client does it: a message's new state is on the disk before the next step. */
export default {
  measures: {
    'mls-encrypt': 'messages/s that a device of two seals, each with its state in the encrypted SQLite store first',
    'mls-decrypt': 'messages/s that it opens, likewise',
  },
  async run(wanted, say) {
    const directory = mkdtempSync(join(tmpdir(), 'rialto-bench-'));
    const store = await openFileStore({ directory });
    try {
      return await measureAll(store, wanted as ReadonlySet<Kind>, say);
    } finally {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
} satisfies MeasureFile;

async function measureAll(store: Store, wanted: ReadonlySet<Kind>, say: Say): Promise<Result[]> {
  const [sender, reader] = await twoDevices();
  const stored: Record<Kind, number[]> = { 'mls-encrypt': [], 'mls-decrypt': [] };
  const bare: Record<Kind, number[]> = { 'mls-encrypt': [], 'mls-decrypt': [] };
  await exchange(sender, reader, undefined); // The first messages pay for what is compiled once.
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [into, where] of [[bare, undefined] as const, [stored, store] as const]) {
      const speeds = await exchange(sender, reader, where);
      for (const kind of wanted) into[kind].push(speeds[kind]);
    }
    const line = [...wanted].map(
      (kind) => `${kind} ${stored[kind].at(-1)?.toFixed(0)}/s, without ${bare[kind].at(-1)?.toFixed(0)}/s`,
    );
    say(`round ${round} of ${ROUNDS}: ${line.join('; ')}`);
  }
  return [...wanted].map((measure) => {
    const [value, controlValue] = [rounded(median(stored[measure]), 0), rounded(median(bare[measure]), 0)];
    const ratio = rounded(value / controlValue, 2);
    return { measure, value, unit: 'messages/s', control: CONTROL, controlValue, ratio };
  });
}

async function exchange(sender: Group, reader: Group, store: Store | undefined): Promise<Record<Kind, number>> {
  const text = randomBytes(TEXT_BYTES);
  const sealed: Uint8Array[] = [];
  const started = performance.now();
  for (let count = 0; count < MESSAGES; count += 1) sealed.push((await taken(await sender.send(text), 'sender', store)).bytes);
  const sent = performance.now();
  for (const bytes of sealed) await taken(await reader.receive(bytes), 'reader', store);
  const opened = performance.now();
  return {
    'mls-encrypt': (MESSAGES / (sent - started)) * MS_A_SECOND,
    'mls-decrypt': (MESSAGES / (opened - sent)) * MS_A_SECOND,
  };
}

/** Writes what the step must not lose, then lets it take effect. */
async function taken<T>(step: Step<T>, key: string, store: Store | undefined): Promise<T> {
  if (store !== undefined && step.save !== undefined) {
    const { state, tree } = step.save;
    const parts = [[`${key}.state`, state] as const, ...(tree ? [[`${key}.tree`, tree.bytes] as const] : [])];
    await store.write(parts.map(([name, value]) => ({ kind: 'put', table: 'group', key: name, value })));
  }
  step.settle();
  return step.result;
}
