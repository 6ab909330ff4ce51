import fs from 'node:fs';
import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { SERVICES_WITH_DATABASE } from './services.mjs';
import { StartProblem } from './start-problem.mjs';

const MIGRATOR = path.join(ROOT, 'libs', 'service', 'src', 'migrate.ts');

/** Runs the one migrator before any service starts: it makes the roles and brings every schema up to date. */
export async function migrate({ postgresUrl, secrets, env, say }) {
  if (!fs.existsSync(MIGRATOR)) return;
  const passwords = SERVICES_WITH_DATABASE.flatMap((service) =>
    ['owner', 'app'].map((role) => [
      `RIALTO_${service.toUpperCase()}_${role.toUpperCase()}_PASSWORD`,
      secrets[`database_${service}_${role}`],
    ]),
  );
  const environment = {
    PATH: env.PATH,
    HOME: env.HOME,
    RIALTO_ADMIN_DATABASE_URL: postgresUrl,
    ...Object.fromEntries(passwords),
  };
  const began = performance.now();
  const { status, stdout, stderr } = await run(process.execPath, [MIGRATOR], { cwd: ROOT, env: environment });
  if (status !== 0) throw new StartProblem(`The database could not be brought up to date:\n${(stderr || stdout).trim()}`);
  say(`The database is up to date after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
