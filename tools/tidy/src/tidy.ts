import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { lostPaths } from './lost-paths.ts';
import { isScript, readSource, RULES } from './rules.ts';

const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.nx', '.rialto', 'generated']);
const ROOT = resolve(import.meta.dirname, '../../..');

function* walk(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) yield* walk(join(dir, entry.name));
    else if (isScript(entry.name) || entry.name.endsWith('.md')) yield join(dir, entry.name);
  }
}

let complaints = 0;
let files = 0;
for (const full of walk(ROOT)) {
  const path = relative(ROOT, full).split(sep).join('/');
  const text = readFileSync(full, 'utf8');
  files++;
  if (!isScript(path)) {
    for (const { line, message } of lostPaths(text, (named) => existsSync(join(ROOT, named)))) {
      console.log(`${path}:${line}  lost-path: ${message}`);
      complaints++;
    }
    continue;
  }
  const source = readSource(path, text);
  for (const [name, rule] of Object.entries(RULES)) {
    for (const { line, message } of rule(source)) {
      console.log(`${path}:${line}  ${name}: ${message}`);
      complaints++;
    }
  }
}
console.log(`tidy: ${files} files, ${complaints} complaints`);
process.exitCode = complaints === 0 ? 0 : 1;
