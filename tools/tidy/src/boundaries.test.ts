import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');

/** A small tree in which each file breaks one rule, with the rule's name; `''` marks a file that breaks none. */
const PLANTED: Record<string, { breaks: string; imports: string }> = {
  'apps/calls/src/main.ts': { breaks: '', imports: './service.ts' },
  'apps/calls/src/service.ts': { breaks: '', imports: '../../../libs/contracts/src/index.ts' },
  'apps/calls/src/calls.ts': { breaks: 'apps-stand-alone', imports: '../../identity/src/accounts.ts' },
  'apps/calls/src/history.ts': { breaks: 'only-service-wires', imports: './service.ts' },
  'apps/calls/src/domain/call.ts': { breaks: 'domain-is-pure', imports: '../history.ts' },
  'apps/identity/src/accounts.ts': { breaks: 'services-cannot-decrypt', imports: '../../../libs/crypto/src/index.ts' },
  'apps/identity/src/devices.ts': { breaks: '', imports: '../../../libs/crypto/src/server.ts' },
  'apps/messaging/src/messages.ts': { breaks: 'services-do-not-use-the-sdk', imports: '../../../libs/client/src/index.ts' },
  'apps/web/src/app.ts': { breaks: 'clients-do-not-import-the-server', imports: '../../../libs/service/src/index.ts' },
  'apps/web/src/phrase.ts': { breaks: 'web-stands-on-the-sdk', imports: '../../../libs/crypto/src/index.ts' },
  'apps/web/src/session.ts': { breaks: '', imports: '../../../libs/contracts/src/index.ts' },
  'apps/cli/src/main.ts': { breaks: 'cli-stands-on-the-sdk', imports: '../../../libs/crypto/src/server.ts' },
  'apps/gateway/src/one.ts': { breaks: 'no-cycles', imports: './two.ts' }, // A circle is told once, from where it was entered.
  'apps/gateway/src/two.ts': { breaks: '', imports: './one.ts' },
  'apps/gateway/src/routes.ts': { breaks: 'no-unresolvable', imports: 'not-a-package' },
  'libs/contracts/src/index.ts': { breaks: 'contracts-import-zod-only', imports: 'node:fs' },
  'libs/crypto/src/index.ts': { breaks: 'crypto-imports-nothing-of-ours', imports: '../../contracts/src/index.ts' },
  'libs/crypto/src/server.ts': { breaks: '', imports: 'node:crypto' },
  'libs/client/src/index.ts': { breaks: 'libs-know-no-apps', imports: '../../../apps/identity/src/devices.ts' },
  'libs/service/src/index.ts': { breaks: '', imports: 'node:http' },
};

let found: Set<string>;
beforeAll(() => {
  const dir = mkdtempSync(join(tmpdir(), 'rialto-boundaries-'));
  try {
    for (const [file, { imports }] of Object.entries(PLANTED)) {
      mkdirSync(join(dir, dirname(file)), { recursive: true });
      writeFileSync(join(dir, file), `import '${imports}';\nexport const here = ${JSON.stringify(file)};\n`);
    }
    for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'tsconfig.base.json'])
      cpSync(join(ROOT, file), join(dir, file));
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    const cruise = join(ROOT, 'node_modules', '.bin', 'depcruise');
    const args = [cruise, 'apps', 'libs', '--config', '.dependency-cruiser.mjs', '--output-type', 'json'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: dir, encoding: 'utf8', maxBuffer: 50_000_000 });
    const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
    found = new Set(summary.violations.map(({ from, rule }) => `${from} ${rule.name}`));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

const ofFile = (file: string) => [...found].filter((one) => one.startsWith(`${file} `)).map((one) => one.split(' ')[1]);

test.each(Object.entries(PLANTED).filter(([, { breaks }]) => breaks !== ''))('%s is caught', (file, { breaks }) => {
  expect(ofFile(file)).toContain(breaks);
});

test.each(Object.entries(PLANTED).filter(([, { breaks }]) => breaks === ''))('%s keeps the rules', (file) => {
  // The planted tree imports by paths, since it has no packages of its own.
  expect(ofFile(file).filter((rule) => rule !== 'libraries-have-one-door')).toEqual([]);
});

test('a path into a library is caught where its name would do', () => {
  expect(ofFile('apps/calls/src/service.ts')).toEqual(['libraries-have-one-door']);
});
