import { readdir } from 'node:fs/promises';
import type { MeasureFile, Say } from './measure.ts';

const MEASURES = new URL('../measures/', import.meta.url);

/** Runs the measures that are named; without a name it lists them. Gives the exit status: 1 for an unknown name or a failure. */
export async function runBench(names: readonly string[]): Promise<number> {
  const say: Say = (line) => void process.stderr.write(`${line}\n`);
  const files = await readMeasureFiles();
  const known = new Map(files.flatMap((file) => Object.entries(file.measures)));
  const unknown = names.filter((name) => !known.has(name));
  if (names.length === 0 || unknown.length > 0) {
    for (const name of unknown) say(`There is no measure "${name}".`);
    say('npm run bench -- NAME…   with any of:');
    for (const [name, summary] of [...known].toSorted(([a], [b]) => a.localeCompare(b))) say(`  ${name.padEnd(24)} ${summary}`);
    return unknown.length > 0 ? 1 : 0;
  }
  for (const file of files) {
    const wanted = new Set(names.filter((name) => Object.hasOwn(file.measures, name)));
    if (wanted.size === 0) continue;
    for (const result of await file.run(wanted, say)) process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  return 0;
}

async function readMeasureFiles(): Promise<MeasureFile[]> {
  const names = (await readdir(MEASURES)).filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes('.test.'));
  const modules = await Promise.all(
    names.toSorted().map((name) => import(new URL(name, MEASURES).href) as Promise<{ default: MeasureFile }>),
  );
  return modules.map(({ default: file }) => file);
}
