import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { CONTRACTS, type ServiceName } from '@rialto/contracts';
import { processEnvironment } from './config.ts';
import { MIGRATION_TABLE, migrationOf, migrationsDirOf, sqlFilesOf } from './migrations.ts';

/** Held in database `postgres`, because roles belong to the whole server: one migrator at a time, whichever database it works on. */
const MIGRATOR_LOCK = 7_420_001;
const MAINTENANCE_DATABASE = 'postgres';

export interface MigratedService {
  readonly name: ServiceName;
  readonly migrationsDir: string;
  readonly appPassword: string;
  /** Only for who wants to log in as the owner; migrations run as the owner by `set role` without it. */
  readonly ownerPassword?: string | undefined;
}
export interface MigrateOptions {
  /** A superuser's URL, with the database that is to be used; it is made when it is not there. */
  readonly adminUrl: string;
  readonly services: readonly MigratedService[];
}

/** Makes database, roles, schemas and tables what the SQL files say. Repeatable, and safe to run several times at once. Returns what ran now. */
export async function migrate({ adminUrl, services }: MigrateOptions): Promise<string[]> {
  const lock = new pg.Client({ connectionString: inDatabase(adminUrl, MAINTENANCE_DATABASE) });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATOR_LOCK]);
    await createDatabase(lock, databaseOf(adminUrl));
    await createRolesAndSchemas(adminUrl, services);
    const ran: string[] = [];
    for (const service of services) ran.push(...(await runMigrations(adminUrl, service)));
    return ran;
  } finally {
    await lock.end(); // Which also gives the lock back.
  }
}

async function createDatabase(admin: pg.Client, name: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name]);
  if (rowCount === 0) await admin.query(`create database ${pg.escapeIdentifier(name)}`);
}

async function createRolesAndSchemas(adminUrl: string, services: readonly MigratedService[]): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query('revoke create on schema public from public');
    for (const { name, appPassword, ownerPassword } of services) {
      const [owner, app] = [`${name}_owner`, `${name}_app`];
      await createRole(admin, owner, ownerPassword);
      await createRole(admin, app, appPassword);
      await admin.query(`create schema if not exists ${name} authorization ${owner}`);
      await admin.query(`grant usage on schema ${name} to ${app}`);
    }
  } finally {
    await admin.end();
  }
}

async function createRole(admin: pg.Client, role: string, password: string | undefined): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [role]);
  const may = password === undefined ? 'nologin' : `login password ${pg.escapeLiteral(password)}`;
  await admin.query(`${rowCount === 0 ? 'create' : 'alter'} role ${role} ${may}`);
}

async function runMigrations(adminUrl: string, { name, migrationsDir }: MigratedService): Promise<string[]> {
  const owner = `${name}_owner`;
  const dataSource = new DataSource({
    type: 'postgres',
    url: adminUrl,
    schema: name,
    extra: { max: 1, options: `-c role=${owner} -c search_path=${name}` },
    migrations: sqlFilesOf(migrationsDir).map(migrationOf),
    migrationsTableName: MIGRATION_TABLE,
    migrationsTransactionMode: 'each',
  });
  await dataSource.initialize();
  try {
    const ran = await dataSource.runMigrations();
    // The service compares what ran with what it was built for.
    await dataSource.query(`grant select on ${MIGRATION_TABLE} to ${name}_app`);
    return ran.map((migration) => `${name}/${migration.name}`);
  } finally {
    await dataSource.destroy();
  }
}

const databaseOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1)) || MAINTENANCE_DATABASE;
/** The same server and user, another database. */
export function inDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** What `node libs/service/src/migrate.ts` is told: RIALTO_ADMIN_DATABASE_URL, and for each service RIALTO_<NAME>_APP_PASSWORD. */
function optionsFromEnvironment(): MigrateOptions {
  const need = (variable: string): string => {
    const value = processEnvironment[variable];
    if (value === undefined || value === '') throw new Error(`${variable} is missing.`);
    return value;
  };
  const services = Object.values(CONTRACTS).map(({ name }) => ({
    name,
    migrationsDir: migrationsDirOf(name),
    appPassword: need(`RIALTO_${name.toUpperCase()}_APP_PASSWORD`),
    ownerPassword: processEnvironment[`RIALTO_${name.toUpperCase()}_OWNER_PASSWORD`],
  }));
  return { adminUrl: need('RIALTO_ADMIN_DATABASE_URL'), services };
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  migrate(optionsFromEnvironment()).then(
    (ran) => process.stdout.write(ran.length === 0 ? 'Nothing to migrate.\n' : `${ran.join('\n')}\n`),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    },
  );
}
