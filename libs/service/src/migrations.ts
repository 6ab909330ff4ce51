import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { ServiceName } from '@rialto/contracts';

export const MIGRATION_TABLE = 'migration';
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;
/** TypeORM takes the last 13 digits of a name as its order. Files of this library come before a service's own. */
const OWN_ORDER = 1_764_000_000_000;
const SHARED_ORDER = OWN_ORDER - 1_000_000;
const SHARED_DIR = join(import.meta.dirname, '..', 'migrations');

export interface SqlFile {
  /** As TypeORM keeps it in the table of what has run. */
  readonly name: string;
  readonly sql: string;
}

export const migrationsDirOf = (service: ServiceName): string =>
  join(import.meta.dirname, '..', '..', '..', 'apps', service, 'migrations');

/** What must run in a service's schema, in order: the tables of this library, then `NNNN-title.sql` of the service. */
export const sqlFilesOf = (migrationsDir: string): SqlFile[] => [
  ...readSqlFiles(SHARED_DIR, SHARED_ORDER, 'service-'),
  ...readSqlFiles(migrationsDir, OWN_ORDER, ''),
];

function readSqlFiles(dir: string, order: number, prefix: string): SqlFile[] {
  // A service without tables of its own has no folder, since git keeps no empty ones.
  const files = existsSync(dir)
    ? readdirSync(dir)
        .filter((file) => file.endsWith('.sql'))
        .sort()
    : [];
  const numbers = new Set<string>();
  return files.map((file) => {
    const [, number, title] = FILE_NAME.exec(file) ?? [];
    if (number === undefined || title === undefined)
      throw new Error(`${join(dir, file)}: name it NNNN-title.sql, in lower case.`);
    if (numbers.has(number)) throw new Error(`${dir}: two migrations have the number ${number}.`);
    numbers.add(number);
    return { name: `${prefix}${number}-${title}-${order + Number(number)}`, sql: readFileSync(join(dir, file), 'utf8') };
  });
}

/** A SQL file as TypeORM wants it. Forward only: a mistake is corrected by the next file. */
export function migrationOf({ name, sql }: SqlFile): new () => MigrationInterface {
  return class {
    readonly name = name;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(sql);
    }
    async down(): Promise<void> {
      throw new Error('Migrations only go forward: write the next one.');
    }
  };
}
