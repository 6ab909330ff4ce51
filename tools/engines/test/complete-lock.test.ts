import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(__dirname, '..', 'complete-lock.mjs');

test('a lock that lacks platform packages is completed, and the others stay as they are', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rialto-lock-'));
  try {
    const lock = join(dir, 'package-lock.json');
    const optionalDependencies = { '@swc/core-linux-arm64-musl': '^1.0.0', '@swc/core-darwin-x64': '1.0.0', nested: '2.0.0' };
    const packages = {
      '': {},
      'node_modules/@swc/core': { version: '1.0.0', optionalDependencies },
      'node_modules/@swc/core-darwin-x64': { version: '1.0.0' },
      'node_modules/@swc/core/node_modules/nested': { version: '2.0.0' },
    };
    writeFileSync(lock, JSON.stringify({ packages }));
    execFileSync(process.execPath, [PROGRAM, lock]);
    const completed = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, unknown> };
    const added = { version: '1.0.0', optional: true, os: ['linux'], cpu: ['arm64'], libc: ['musl'] };
    expect(completed.packages).toEqual({ ...packages, 'node_modules/@swc/core-linux-arm64-musl': added });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
