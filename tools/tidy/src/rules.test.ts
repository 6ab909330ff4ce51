import { FILE_LINES_MAX, FUNCTION_LINES_MAX, readSource, RULES, TEST_FILE_LINES_MAX } from './rules.ts';

/** The names of the rules that complain about this text at this path, each with the lines. */
function complaintsAbout(path: string, text: string): Record<string, number[]> {
  const source = readSource(path, text);
  const found = Object.entries(RULES).map(([name, rule]) => [name, rule(source).map(({ line }) => line)] as const);
  return Object.fromEntries(found.filter(([, lines]) => lines.length > 0));
}
const lines = (count: number) => 'const a = 1;\n'.repeat(count);

describe('tidy', () => {
  test('says nothing about a small file that keeps the rules', () => {
    expect(complaintsAbout('apps/identity/src/handles.ts', 'export const one = () => 1;\n')).toEqual({});
  });

  test('limits the lines of a file, and allows a test more', () => {
    expect(complaintsAbout('libs/a/src/a.ts', lines(FILE_LINES_MAX))).toEqual({});
    expect(complaintsAbout('libs/a/src/a.ts', lines(FILE_LINES_MAX + 1))).toEqual({ 'file-length': [FILE_LINES_MAX] });
    expect(complaintsAbout('libs/a/src/a.test.ts', lines(TEST_FILE_LINES_MAX))).toEqual({});
    expect(complaintsAbout('libs/a/src/a.test.ts', lines(TEST_FILE_LINES_MAX + 1))).toEqual({
      'file-length': [TEST_FILE_LINES_MAX],
    });
  });

  test.each(['function f() {\n', 'const f = () => {\n', 'class A { f() {\n'])('limits the lines of %j', (head) => {
    const close = head.startsWith('class') ? '}}\n' : '}\n';
    expect(complaintsAbout('libs/a/src/a.ts', head + lines(FUNCTION_LINES_MAX - 2) + close)).toEqual({});
    expect(complaintsAbout('libs/a/src/a.ts', head + lines(FUNCTION_LINES_MAX - 1) + close)).toEqual({ 'function-length': [1] });
  });

  test.each(['libs/a/src/utils.ts', 'libs/common/src/a.ts', 'libs/a/src/string-helper.ts', 'libs/a/src/BaseService/a.ts'])(
    'refuses the name %s only when a whole word of it is banned',
    (path) => {
      const isBanned = !path.includes('BaseService');
      expect(complaintsAbout(path, '')).toEqual(isBanned ? { 'banned-name': [1] } : {});
    },
  );

  test('wants the environment read in config.ts', () => {
    const text = 'const name = 1;\nexport const url = process.env.RIALTO_URL;\n';
    expect(complaintsAbout('apps/calls/src/calls.ts', text)).toEqual({ environment: [2] });
    expect(complaintsAbout('apps/calls/src/config.ts', text)).toEqual({});
    expect(complaintsAbout('apps/calls/src/calls.ts', '// process.env is read in config.ts\n')).toEqual({});
  });

  test.each(['Date.now()', 'new Date()', 'Math.random()', 'fetch("x")', 'crypto.randomUUID()'])(
    'keeps %s out of domain/',
    (call) => {
      const text = `export const f = () => ${call};\n`;
      expect(complaintsAbout('apps/calls/src/domain/call.ts', text)).toEqual({ 'pure-domain': [1] });
      expect(complaintsAbout('apps/calls/src/call.ts', text)).toEqual({});
    },
  );

  test('keeps input and output out of domain/, and lets it make a date from an argument', () => {
    expect(complaintsAbout('apps/calls/src/domain/call.ts', "import fs from 'node:fs';\n")).toEqual({ 'pure-domain': [1] });
    expect(complaintsAbout('apps/calls/src/domain/call.ts', 'export const f = (ms: number) => new Date(ms);\n')).toEqual({});
  });

  test('finds open ends, decorators, skipped and focused tests', () => {
    expect(complaintsAbout('libs/a/src/a.ts', '// TODO later\n')).toEqual({ 'open-end': [1] });
    expect(complaintsAbout('libs/a/src/a.ts', '\n@Injectable()\nclass A {}\n')).toEqual({ decorator: [2] });
    expect(complaintsAbout('libs/a/src/a.test.ts', 'it.skip("a", () => {});\ntest.only("b", () => {});\nxit("c");\n')).toEqual({
      'skipped-test': [1, 2, 3],
    });
  });
});
