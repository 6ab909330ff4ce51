import { lostPaths } from './lost-paths.ts';

const there = new Set(['apps/calls/src/calls.ts', 'libs/crypto', 'docs/decisions/']);
const lostIn = (text: string) =>
  lostPaths(text, (path) => there.has(path)).map(({ line, message }) => [line, message.split(' ')[0]]);

test('a document may name what is there, and what stands for something', () => {
  expect(lostIn('See `apps/calls/src/calls.ts`, `libs/crypto` and `docs/decisions/`.')).toEqual([]);
  expect(lostIn('The noun is in `apps/<service>/src/`; `domain/call.ts` decides, and `10.0.0.0/8` is no path.')).toEqual([]);
});

test('a path that leads nowhere is told with its line', () => {
  const text = 'One file does it:\n`apps/calls/src/gone.ts` after `libs/crypto`.\n\nAnd `tools/gone`, and `docs/gone.md`.';
  expect(lostIn(text)).toEqual([
    [2, 'apps/calls/src/gone.ts'],
    [4, 'tools/gone'],
    [4, 'docs/gone.md'],
  ]);
});
