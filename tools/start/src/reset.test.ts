import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Reset = (options: { dataDir: string; yes: boolean }, env: Record<string, string>) => Promise<boolean>;

test('a database that the start did not make is neither deleted nor said to be, and its keys stay', async () => {
  const file = './reset.mjs'; // Plain JavaScript without types of its own.
  const { reset } = (await import(file)) as { reset: Reset };
  const dataDir = mkdtempSync(join(tmpdir(), 'rialto-reset-'));
  const secrets = join(dataDir, 'secrets.json');
  writeFileSync(secrets, '{}');
  const env = { RIALTO_POSTGRES_URL: 'postgres://db.example/rialto' };
  await expect(reset({ dataDir, yes: true }, env)).rejects.toThrow(/RIALTO_POSTGRES_URL/);
  expect(existsSync(secrets)).toBe(true);
  rmSync(dataDir, { recursive: true });
});
