import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { SERVICES_WITH_DATABASE } from './services.mjs';
import { StartProblem } from './start-problem.mjs';

export const MIGRATOR = path.join(ROOT, 'libs', 'service', 'src', 'migrate.ts');

/** What the migrator is told: the superuser's address, and the passwords that the roles shall have. */
export function migrationEnvironment(postgresUrl, secrets) {
  const passwords = SERVICES_WITH_DATABASE.map((service) => [
    `RIALTO_${service.toUpperCase()}_APP_PASSWORD`,
    secrets[`database_${service}_app`],
  ]);
  return { RIALTO_ADMIN_DATABASE_URL: postgresUrl, ...Object.fromEntries(passwords) };
}

/** Runs the one migrator before any service starts: it makes the roles and brings every schema up to date. */
export async function migrate({ postgresUrl, secrets, env, say }) {
  const environment = { PATH: env.PATH, HOME: env.HOME, ...migrationEnvironment(postgresUrl, secrets) };
  const began = performance.now();
  const { status, stdout, stderr } = await run(process.execPath, [MIGRATOR], { cwd: ROOT, env: environment });
  if (status !== 0) throw new StartProblem(`The database could not be brought up to date:\n${(stderr || stdout).trim()}`);
  say(`The database is up to date after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
