// Servers cannot decrypt because they cannot import the code that does. This walks what each door really loads.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';

const require = createRequire(__filename);
const library = resolve(__dirname, '..');
const OPENING_CODE = [
  'cipher-suite',
  'application-message',
  'group',
  'group-state',
  'group-entry',
  'prepared-commit',
  'pin',
  'own-key-package',
];
const IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gmu;

/** Every file that a door reaches by an import with an effect at run time; type imports are erased. */
function reached(door: string): { own: Map<string, string>; packages: Set<string> } {
  const own = new Map<string, string>();
  const packages = new Set<string>();
  const visit = (path: string) => {
    if (own.has(path)) return;
    const source = readFileSync(path, 'utf8');
    own.set(path, source);
    for (const [, specifier = ''] of source.matchAll(IMPORT)) {
      if (specifier.startsWith('.')) visit(resolve(dirname(path), specifier));
      else packages.add(specifier);
    }
  };
  visit(resolve(library, door));
  return { own, packages };
}

/** The modules of ts-mls behind some of its modules. */
function tsMlsModules(specifiers: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const visit = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(IMPORT))
      if (specifier.startsWith('.')) visit(resolve(dirname(path), specifier));
      else found.add(specifier);
  };
  for (const specifier of specifiers) if (specifier.startsWith('ts-mls')) visit(require.resolve(specifier));
  return found;
}

const names = (own: Map<string, string>) => [...own.keys()].map((path) => relative(library, path));

test('the door for services reaches no module that decrypts, and the one for clients does', () => {
  const server = names(reached('src/server.ts').own);
  const client = names(reached('src/index.ts').own);
  for (const name of OPENING_CODE) {
    expect(server).not.toContain(`src/mls/${name}.ts`);
    expect(client).toContain(`src/mls/${name}.ts`);
  }
  for (const name of ['secret-box', 'passphrase', 'recovery-phrase']) {
    expect(server).not.toContain(`src/${name}.ts`);
    expect(client).toContain(`src/${name}.ts`);
  }
  expect(server).toContain('src/mls/commit-policy.ts'); // the walk does walk
});

test('no file behind the door for services calls anything that opens', () => {
  const opening = /_decrypt\b|decapsulate|_xwing_dec\b|_open\b|_keypair_from|crypto_pwhash|unprotect|decryptWith|joinGroup/u;
  for (const [path, source] of reached('src/server.ts').own) expect([path, opening.exec(source)?.[0]]).toEqual([path, undefined]);
  const client = [...reached('src/index.ts').own.values()].some((source) => opening.test(source));
  expect(client).toBe(true);
});

test('of ts-mls, services load codecs and hashes, never its state, its ratchets or its providers', () => {
  const { packages } = reached('src/server.ts');
  expect(packages.has('ts-mls')).toBe(false);
  const modules = [...tsMlsModules(packages)];
  expect(modules.length).toBeGreaterThan(20);
  const forbidden =
    /\/(clientState|createCommit|processMessages|messageProtection|secretTree|keySchedule|privateKeyPath|pskIndex|provider)\.js$/u;
  expect(modules.filter((path) => forbidden.test(path))).toEqual([]);
  expect(modules.filter((path) => path.startsWith('@'))).toEqual([]);
  expect([...packages].filter((name) => !name.startsWith('ts-mls/')).toSorted()).toEqual([
    '@noble/hashes/sha2.js',
    'libsodium-wrappers',
  ]);
});

test('clients load no other provider either: ts-mls by its modules, which keeps its own out of the bundle', () => {
  const { packages } = reached('src/index.ts');
  expect(packages.has('ts-mls')).toBe(false);
  const modules = [...tsMlsModules(packages)];
  expect(modules.some((path) => path.endsWith('/clientState.js'))).toBe(true);
  expect(modules.filter((path) => path.startsWith('@') || path.includes('/implementation/'))).toEqual([]);
});

test('the door for media workers loads nothing but itself', () => {
  const { own, packages } = reached('src/sframe/index.ts');
  expect([...packages]).toEqual([]);
  expect(names(own).every((name) => name.startsWith('src/sframe/'))).toBe(true);
});

test('no door needs Node', () => {
  for (const door of ['src/index.ts', 'src/server.ts', 'src/sframe/index.ts']) {
    const { own, packages } = reached(door);
    expect([...packages].filter((name) => name.startsWith('node:'))).toEqual([]);
    for (const [path, source] of own)
      expect([path, /\bBuffer\b|\bprocess\./u.exec(source.replace(/\/\/.*|\/?\*.*/gu, ''))?.[0]]).toEqual([path, undefined]);
  }
});
