import { randomBytes } from 'node:crypto';
import { type Budget, sizeBudgets } from './budget.ts';

/** Bytes that compress to nothing less. */
const noise = (bytes: number) => randomBytes(bytes).toString('latin1');
const chunk = (fileName: string, about: object) => ({
  type: 'chunk',
  fileName,
  imports: [],
  facadeModuleId: null,
  code: '',
  ...about,
});

/** An entry of about 10 KB with its style and a shared part, and a screen of 40 KB that comes later. */
const bundle = Object.fromEntries(
  [
    chunk('entry.js', {
      isEntry: true,
      imports: ['shared.js'],
      code: noise(4_000),
      viteMetadata: { importedCss: new Set(['entry.css']) },
    }),
    chunk('shared.js', { code: noise(4_000) }),
    chunk('later.js', { facadeModuleId: '/web/src/later.tsx', imports: ['shared.js', 'entry.js'], code: noise(40_000) }),
    { type: 'asset', fileName: 'entry.css', source: noise(2_000) },
  ].map((part) => [part.fileName, part]),
);

/** What the build says when it fails, or undefined. */
async function build(budget: Budget): Promise<string | undefined> {
  const said: string[] = [];
  const { handler } = sizeBudgets([budget]).generateBundle as unknown as {
    handler(this: object, options: object, bundle: object): Promise<void>;
  };
  await handler.call({ error: (text: string) => said.push(text) }, {}, bundle);
  return said[0];
}

test('a build within its budget passes; what comes later does not count', async () => {
  expect(await build({ name: 'first', with: [], maxBytes: 20_000 })).toBeUndefined();
});

test('a build over its budget fails and says which budget, by how much, and what is large', async () => {
  expect(await build({ name: 'first', with: [], maxBytes: 9_000 })).toMatch(
    /^“first” takes 1\d\.\d KB of 9\.0 KB .*largest: \w+\.js/,
  );
});

test('what is loaded at a moment counts there, each part once', async () => {
  const later = { name: 'later', with: ['src/later.tsx'] };
  expect(await build({ ...later, maxBytes: 45_000 })).toMatch(/^“later” takes .*largest: later\.js/);
  expect(await build({ ...later, maxBytes: 75_000 })).toBeUndefined();
});

test('a budget for a part that is gone fails', async () => {
  await expect(build({ name: 'gone', with: ['src/gone.tsx'], maxBytes: 1 })).rejects.toThrow(/names src\/gone\.tsx/);
});
