import fs from 'node:fs';
import path from 'node:path';
import { inTemporaryDir, keepFolder } from './cache.mjs';
import { isRoot, mustRun, run, which } from './processes.mjs';

export const isDebian = () =>
  fs.existsSync('/etc/debian_version') && which('apt-get') !== undefined && which('dpkg-deb') !== undefined;

/**
 * Fetches Debian packages and whatever they need that this machine lacks, and unpacks them into the cache: nothing is installed, no root is
 * needed, and apt checks the signatures as always. This works for programs that find their own files; libraries come by `libraryPath`.
 * @param {object} wanted
 * @param {string} wanted.name of the folder in the cache, and in messages
 * @param {string[]} wanted.packages
 * @param {string} wanted.program the file that must be there in the end, relative to the folder; otherwise nothing is kept
 * @returns {Promise<{root: string, env: Record<string, string>}>} where they were unpacked, and the environment to run them with
 */
export async function unpackDebian({ name, packages, program }, say) {
  if (!isDebian()) throw new Error('this is not Debian or Ubuntu');
  const root = await keepFolder(`debian-${name}`, (into) =>
    inTemporaryDir(async (dir) => {
      const apt = [
        ...['-o', `Dir::State::lists=${dir}/lists`, '-o', `Dir::Cache=${dir}/cache`, '-o', 'Debug::NoLocking=1'],
        ...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []),
      ];
      for (const folder of ['lists/partial', 'cache/archives/partial']) fs.mkdirSync(path.join(dir, folder), { recursive: true });
      say(`${name}: reading the list of Debian's packages (about 15 MB)…`);
      // One source that does not answer is no reason to give up: what matters is whether the packages can be had, which apt says next.
      await run('apt-get', [...apt, 'update', '-q'], { env: aptEnvironment() });
      await mustRun('apt-get', [...apt, 'install', '-q', '-y', '--no-install-recommends', '--download-only', ...packages], {
        env: aptEnvironment(),
        onOutput: (text) => {
          const size = /Need to get ([\d.,]+ \S+)/.exec(text)?.[1];
          if (size) say(`${name}: fetching ${size} of packages…`);
        },
      });
      const archives = path.join(dir, 'cache', 'archives');
      for (const file of fs.readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) {
        await mustRun('dpkg-deb', ['-x', path.join(archives, file), into]);
      }
      if (!fs.existsSync(path.join(into, program))) throw new Error(`${packages.join(' and ')} did not bring ${program}`);
    }),
  );
  return { root, env: { LD_LIBRARY_PATH: libraryPath(root) } };
}

function libraryPath(root) {
  const triplets = ['lib', 'usr/lib'].flatMap((folder) => {
    const full = path.join(root, folder);
    if (!fs.existsSync(full)) return [];
    return [
      full,
      ...fs
        .readdirSync(full)
        .filter((entry) => entry.includes('-linux-'))
        .map((entry) => path.join(full, entry)),
    ];
  });
  return triplets.join(':');
}

/** Installs packages on the machine itself; only the test set-up does this, and only as root. */
export async function installDebian(packages, say) {
  if (!isDebian() || !isRoot) throw new Error(`only root on Debian can run: apt-get install ${packages.join(' ')}`);
  say(`installing ${packages.join(' and ')} with apt-get…`);
  await run('apt-get', ['update', '-q'], { env: aptEnvironment() });
  const report = (text) => {
    const size = /Need to get ([\d.,]+ \S+)/.exec(text)?.[1];
    if (size) say(`${packages.join(' and ')}: fetching ${size}…`);
  };
  const install = ['install', '-q', '-y', '--no-install-recommends', ...packages];
  const result = await run('apt-get', install, { env: aptEnvironment(), onOutput: report });
  if (result.status !== 0)
    throw new Error(`apt-get install ${packages.join(' ')} failed: ${result.stderr.trim().split('\n').pop()}`);
}

/** The messages of apt are read above, so they must be in English; and nothing may stop to ask. */
const aptEnvironment = () => ({ ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' });
