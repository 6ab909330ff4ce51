import fs from 'node:fs';
import path from 'node:path';
import { isDebian, unpackDebian } from './debian.mjs';
import { findOnPath } from './find.mjs';
import { PINS } from './pins.mjs';
import { versionOf } from './processes.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Only the tests need a browser, so it is fetched only when `mayFetch` says so: about 200 MB. `RIALTO_CHROMIUM` names one that is not on PATH.
 * @returns {Promise<import('./find.mjs').Found | import('./find.mjs').Missing>}
 */
export async function findChromium({ say = () => {}, mayFetch = false } = {}) {
  const named = process.env.RIALTO_CHROMIUM;
  if (named && fs.existsSync(named))
    return { path: named, version: (await versionOf(named)) ?? 'unknown', how: 'RIALTO_CHROMIUM' };
  const why = named ? [`RIALTO_CHROMIUM names ${named}, which is not there`] : [];
  const found = await findOnPath(NAMES, PINS.chromium.least, why);
  if (found) return found;
  const help = isDebian() ? 'sudo apt-get install chromium' : 'install Chromium or Chrome, or name it in RIALTO_CHROMIUM';
  if (!mayFetch) return { missing: true, why, help };
  try {
    return await unpacked(say);
  } catch (error) {
    return { missing: true, why: [...why, error.message], help };
  }
}

/** Debian's package in the cache, with a launcher, since whoever runs a browser gives it a path and not an environment. */
async function unpacked(say) {
  const program = 'usr/lib/chromium/chromium';
  const packages = [PINS.chromium.debian, 'fonts-dejavu-core'];
  const { root, env } = await unpackDebian({ name: 'chromium', packages, program }, say);
  const launcher = path.join(root, 'chromium');
  // With a root of its own, fontconfig finds the fonts and the settings that were unpacked beside the browser.
  const variables = Object.entries({ ...env, FONTCONFIG_SYSROOT: root }).map(([name, value]) => `export ${name}='${value}'`);
  fs.writeFileSync(launcher, ['#!/bin/sh', ...variables, `exec '${path.join(root, program)}' "$@"`, ''].join('\n'), {
    mode: 0o755,
  });
  const version = await versionOf(launcher);
  if (!version) throw new Error('the unpacked browser does not run here');
  return { path: launcher, version, how: "Debian's package, unpacked into the cache" };
}
