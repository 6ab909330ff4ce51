import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

const brotli = promisify(zlib.brotliCompress);
const KB = 1_000;

/** What a browser has to fetch at one moment, compressed as the gateway sends it. */
export interface Budget {
  readonly name: string;
  /** Modules that are loaded at that moment besides the page's own entry, by the end of their paths. */
  readonly with: readonly string[];
  readonly maxBytes: number;
}

/** Ends the build when the scripts and styles of a moment are larger than its budget, and names the largest of them. */
export function sizeBudgets(budgets: readonly Budget[]): Plugin {
  return {
    name: 'rialto-size-budgets',
    apply: 'build',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const over: string[] = [];
        for (const budget of budgets) {
          const sizes = await sizesOf(filesOf(bundle, budget), bundle);
          const bytes = sizes.reduce((sum, each) => sum + each.bytes, 0);
          if (bytes > budget.maxBytes) over.push(sayOver(budget, bytes, sizes));
        }
        if (over.length > 0) this.error(over.join('\n'));
      },
    },
  };
}

type Bundle = Rolldown.OutputBundle;
const chunksOf = (bundle: Bundle) => Object.values(bundle).filter((part): part is Rolldown.OutputChunk => part.type === 'chunk');

/** The entry, the modules that come with it, and all that these import without waiting, with their styles. */
function filesOf(bundle: Bundle, budget: Budget): ReadonlySet<string> {
  const chunks = chunksOf(bundle);
  const begin = chunks.filter(({ isEntry }) => isEntry);
  for (const end of budget.with) {
    const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(end));
    if (!chunk) throw new Error(`the budget “${budget.name}” names ${end}, which is no part of its own in this build`);
    begin.push(chunk);
  }
  const files = new Set<string>();
  const take = (chunk: Rolldown.OutputChunk) => {
    if (files.has(chunk.fileName)) return;
    files.add(chunk.fileName);
    for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style);
    for (const imported of chunks.filter(({ fileName }) => chunk.imports.includes(fileName))) take(imported);
  };
  begin.forEach(take);
  return files;
}

const sizesOf = (files: ReadonlySet<string>, bundle: Bundle) =>
  Promise.all(
    [...files].map(async (file) => {
      const part = bundle[file];
      const content = part?.type === 'chunk' ? part.code : (part?.source ?? '');
      return { file, bytes: (await brotli(content)).length };
    }),
  );

function sayOver({ name, maxBytes }: Budget, bytes: number, sizes: readonly { file: string; bytes: number }[]): string {
  const largest = sizes.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  const list = largest.map((each) => `${each.file} ${sayKb(each.bytes)}`).join(', ');
  return `“${name}” takes ${sayKb(bytes)} of ${sayKb(maxBytes)} (brotli; largest: ${list}). Load later what is not needed there, with import().`;
}
const sayKb = (bytes: number) => `${(bytes / KB).toFixed(1)} KB`;
