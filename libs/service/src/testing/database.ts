import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { ServiceName } from '@rialto/contracts';
import { startPostgres } from '@rialto/engines';
import { inDatabase, migrate } from '../migrate.ts';
import { migrationsDirOf, sqlFilesOf } from '../migrations.ts';
import { testPostgresUrl } from './config.ts';
import { endWithUs } from './watchdog.ts';

/** The test server is for tests only and listens on loopback, and roles belong to the server: one password that all tests know. */
const TEST_PASSWORD = 'for-tests-only';
/** Held while a template is made, so that tests that start at once make it once. */
const TEMPLATE_LOCK = 7_420_002;

export interface TestDatabase {
  /** The application role's address. */
  url(service: ServiceName): string;
  /** The superuser in this database: look at everything, break everything. */
  readonly admin: pg.Pool;
  readonly adminUrl: string;
  drop(): Promise<void>;
}
/** A service with tables elsewhere than in `apps/<name>/migrations`. */
export interface TestedService {
  readonly name: ServiceName;
  readonly migrationsDir: string;
}

/** A fresh database with the schemas, roles and tables of the services; a copy of a template, so it takes a few hundredths of a second. */
export async function createTestDatabase(services: readonly (ServiceName | TestedService)[]): Promise<TestDatabase> {
  const server = await takeServer();
  const tested = services.map((each) => (typeof each === 'string' ? { name: each, migrationsDir: migrationsDirOf(each) } : each));
  const template = await templateFor(server.url, tested);
  const name = `rialto_test_${randomBytes(6).toString('hex')}`;
  await asAdmin(server.url, (admin) => admin.query(`create database ${name} template ${template}`));
  const adminUrl = inDatabase(server.url, name);
  const admin = new pg.Pool({ connectionString: adminUrl, max: 2 });
  admin.on('error', () => {}); // A test may stop the server under us; its own queries then fail visibly.
  const url = (service: ServiceName) => {
    const address = new URL(adminUrl);
    address.username = `${service}_app`;
    address.password = TEST_PASSWORD;
    return address.href;
  };
  const drop = async () => {
    await admin.end();
    await asAdmin(server.url, (root) => root.query(`drop database if exists ${name} with (force)`));
    await server.release();
  };
  return { url, admin, adminUrl, drop };
}

async function templateFor(serverUrl: string, services: readonly TestedService[]): Promise<string> {
  const files = services.map(({ name, migrationsDir }) => [name, sqlFilesOf(migrationsDir)]);
  const name = `rialto_template_${createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)}`;
  return asAdmin(serverUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 1) return name;
    // Made under another name first: a template that exists is complete.
    await admin.query(`drop database if exists ${name}_new with (force)`);
    const migrated = services.map((service) => ({ ...service, appPassword: TEST_PASSWORD }));
    await migrate({ adminUrl: inDatabase(serverUrl, `${name}_new`), services: migrated });
    await admin.query(`alter database ${name}_new rename to ${name}`);
    return name;
  });
}

async function asAdmin<T>(serverUrl: string, run: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    return await run(admin);
  } finally {
    await admin.end();
  }
}

interface TestServer {
  readonly url: string;
  release(): Promise<void>;
}
let own: Promise<{ url: string; stop(): Promise<void> }> | undefined;
let users = 0;

/** The server in the environment, or one of our own that lives as long as somebody has a database on it. */
async function takeServer(): Promise<TestServer> {
  if (testPostgresUrl !== undefined) return { url: testPostgresUrl, release: async () => {} };
  users += 1;
  own ??= startOwnServer();
  const { url, stop } = await own;
  const release = async () => {
    users -= 1;
    if (users > 0) return;
    own = undefined;
    await stop();
  };
  return { url, release };
}

async function startOwnServer() {
  const dir = mkdtempSync(join(tmpdir(), 'rialto-test-postgres-'));
  const dataDir = join(dir, 'data');
  chmodSync(dir, 0o711); // As root, PostgreSQL runs as another user that must get through here.
  const server = await startPostgres({ dataDir });
  endWithUs(server.pid);
  const stop = async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { url: server.url, stop };
}
