import ts from 'typescript';

/** A source file as the rules see it: where it is (with `/`, relative to the root), its text, and its syntax tree when it is a script. */
export interface SourceFile {
  path: string;
  text: string;
  tree?: ts.SourceFile;
}

/** What is wrong, on which line, and what to do instead. */
export interface Complaint {
  line: number;
  message: string;
}

type Rule = (file: SourceFile) => Complaint[];

export const FILE_LINES_MAX = 300;
export const TEST_FILE_LINES_MAX = 500;
export const FUNCTION_LINES_MAX = 60;
const BANNED_NAMES = new Set(['util', 'utils', 'common', 'helper', 'helpers', 'manager', 'base', 'misc', 'shared']);

export const isScript = (path: string) => /\.(ts|tsx|mts|mjs)$/.test(path);
export const isTest = (path: string) => /\.(test|check)\.tsx?$/.test(path) || /(^|\/)(test|e2e)\//.test(path);

const fileLength: Rule = ({ path, text }) => {
  const limit = isTest(path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX;
  const lines = text.trimEnd().split('\n').length;
  if (!isScript(path) || lines <= limit) return [];
  return [
    {
      line: limit,
      message: `The file has ${lines} lines, ${limit} is the most: split it by what it does, and name each part after that.`,
    },
  ];
};

const functionLength: Rule = ({ path, tree }) => {
  if (!tree || isTest(path)) return [];
  const complaints: Complaint[] = [];
  visit(tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return;
    const lines = lineOf(tree, node.end) - lineOf(tree, node.getStart(tree)) + 1;
    if (lines <= FUNCTION_LINES_MAX) return;
    const name = (node.name && ts.isIdentifier(node.name) && node.name.text) || 'this function';
    const message = `${name} has ${lines} lines, ${FUNCTION_LINES_MAX} is the most: keep the control flow here and move steps out into functions of their own.`;
    complaints.push({ line: lineOf(tree, node.getStart(tree)), message });
  });
  return complaints;
};

const bannedNames: Rule = ({ path }) => {
  const words = path
    .split('/')
    .flatMap((part) => part.replace(/\..*$/, '').split('-'))
    .map((word) => word.toLowerCase());
  const banned = words.find((word) => BANNED_NAMES.has(word));
  if (!banned || !isScript(path)) return [];
  return [
    {
      line: 1,
      message: `"${banned}" says nothing about what is inside: name the file or folder after the thing, in the words of the field.`,
    },
  ];
};

const environment: Rule = ({ path, tree }) => {
  const mayRead = /(^|\/)config\.ts$/.test(path) || path.startsWith('tools/') || isTest(path) || /\.config\.(ts|mjs)$/.test(path);
  if (!tree || mayRead) return [];
  return find(tree, (node) => ts.isPropertyAccessExpression(node) && node.getText(tree) === 'process.env').map((line) => ({
    line,
    message: 'process.env is read in config.ts alone, once and checked: take the value as an argument, or add it to config.ts.',
  }));
};

/** Names whose use makes a function depend on more than its arguments. */
const IMPURE_CALLS = [
  'Date.now',
  'Math.random',
  'performance.now',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'randomBytes',
  'randomUUID',
  'randomInt',
  'fetch',
  'setTimeout',
  'setInterval',
];
/** Hashes are functions of their input, so node:crypto may come in; its random functions are among the calls above. */
const IMPURE_MODULES = /^(node:(?!crypto$)|fs$|net$|http$|pg$|typeorm$|@nats-io\/|@nestjs\/)/;

const pureDomain: Rule = ({ path, tree }) => {
  if (!tree || isTest(path) || !path.includes('/domain/')) return [];
  const isImpure = (node: ts.Node) =>
    (ts.isCallExpression(node) && IMPURE_CALLS.includes(node.expression.getText(tree))) ||
    (ts.isNewExpression(node) && node.expression.getText(tree) === 'Date' && !node.arguments?.length) ||
    (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier) && IMPURE_MODULES.test(node.moduleSpecifier.text));
  return find(tree, isImpure).map((line) => ({
    line,
    message: 'domain/ is pure: time, randomness and input/output come in as arguments, as in isExpired(session, now).',
  }));
};

const openEnds: Rule = ({ path, text, tree }) => {
  if (!tree || path.startsWith('tools/tidy/')) return [];
  return linesWith(text, /\b(TODO|FIXME|XXX)\b/).map((line) => ({
    line,
    message: 'Do it now, or file it where the work is planned and say there what would resolve it: the code keeps no open ends.',
  }));
};

const decorators: Rule = ({ tree }) => {
  if (!tree) return [];
  return find(tree, (node) => ts.isDecorator(node)).map((line) => ({
    line,
    message: 'Node runs the TypeScript as it is and refuses decorators: call the decorator as a function, as libs/service does.',
  }));
};

const skippedTests: Rule = ({ path, text }) => {
  if (!/\.test\.tsx?$/.test(path) || path.startsWith('tools/tidy/')) return [];
  return linesWith(text, /\b(it|test|describe)\s*\.\s*(skip|only|todo)\b|^\s*(xit|xtest|xdescribe|fit|fdescribe)\s*\(/).map(
    (line) => ({
      line,
      message: 'No test is skipped or focused: mend it, or delete it with the code that it tested.',
    }),
  );
};

export const RULES: Record<string, Rule> = {
  'file-length': fileLength,
  'function-length': functionLength,
  'banned-name': bannedNames,
  environment,
  'pure-domain': pureDomain,
  'open-end': openEnds,
  decorator: decorators,
  'skipped-test': skippedTests,
};

/** Parses a file when it is a script, so that the rules look at syntax and not at comments and strings. */
export function readSource(path: string, text: string): SourceFile {
  if (!isScript(path)) return { path, text };
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  // A class's decorators are among its modifiers, which forEachChild visits too.
  node.forEachChild((child) => visit(child, look));
}

function find(tree: ts.SourceFile, matches: (node: ts.Node) => boolean): number[] {
  const lines: number[] = [];
  visit(tree, (node) => {
    if (matches(node)) lines.push(lineOf(tree, node.getStart(tree)));
  });
  return lines;
}

const lineOf = (tree: ts.SourceFile, position: number) => tree.getLineAndCharacterOfPosition(position).line + 1;

function linesWith(text: string, pattern: RegExp): number[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}
