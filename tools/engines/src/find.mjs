import path from 'node:path';
import { cacheDir, inTemporaryDir, keepFile } from './cache.mjs';
import { isAtLeast, versionOf, which } from './processes.mjs';

/**
 * An engine that was found: `path` to run, `env` to add to its environment, `how` it was found; or `missing`, with every reason in `why`
 * and in `help` the one command that helps.
 * @typedef {{ path: string, version: string, how: string, env?: Record<string, string>, missing?: undefined }} Found
 * @typedef {{ missing: true, why: string[], help: string }} Missing
 */

/** Looks for a program on PATH under several names; older than `least` does not count, and the reason is remembered in `why`. */
export async function findOnPath(names, least, why, versionArgs) {
  for (const name of names) {
    const onPath = which(name);
    if (!onPath) continue;
    const version = await versionOf(onPath, versionArgs);
    if (version && isAtLeast(version, least)) return { path: onPath, version, how: 'PATH' };
    why.push(`${name} on PATH ${version ? `has version ${version}` : 'does not run'}, ${least} or newer is needed`);
  }
  if (why.length === 0) why.push('it is not on PATH');
  return undefined;
}

/**
 * The order of every pinned program: PATH when new enough, then the cache, then one means after another until one works. Each means puts
 * what it fetches into the folder that it is given, which is gone afterwards, and says where the program lies in it.
 * @param {{ name: string, version: string, least: string, means: [string, (dir: string) => Promise<string>][], help: string }} wanted
 * @returns {Promise<Found | Missing>}
 */
export async function findOrFetch({ name, version, least, means, help }, say) {
  const why = [];
  const onPath = await findOnPath([name], least, why);
  if (onPath) return onPath;
  const cached = path.join(cacheDir(), `${name}-${version}`);
  if ((await versionOf(cached)) === version) return { path: cached, version, how: 'cache' };
  for (const [how, fetchProgram] of means) {
    const began = performance.now();
    try {
      const kept = await inTemporaryDir(async (dir) => {
        const fetched = await fetchProgram(dir);
        const got = await versionOf(fetched);
        if (got !== version) throw new Error(`it says that its version is ${got ?? 'unknown'}`);
        return keepFile(fetched, `${name}-${version}`);
      });
      say(`${name} ${version}: ready after ${((performance.now() - began) / 1000).toFixed(1)} s (${how})`);
      return { path: kept, version, how };
    } catch (error) {
      why.push(`${how}: ${error.message.split('\n')[0]}`);
    }
  }
  return { missing: true, why, help };
}
