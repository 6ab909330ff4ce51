import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { temporaryDir } from './cache.mjs';
import { isDebian, unpackDebian } from './debian.mjs';
import { findOnPath } from './find.mjs';
import { PINS } from './pins.mjs';
import { freePort, isRoot, launch, stopProcess, unprivileged, UNPRIVILEGED, versionOf, waitUntil } from './processes.mjs';

const READY_TIMEOUT_MS = 10_000;

/** coturn: from PATH, or Debian's package unpacked into the cache. */
export async function findTurn(say = () => {}) {
  const why = [];
  const onPath = await findOnPath(['turnserver'], PINS.turn.least, why, ['--version']);
  if (onPath) return onPath;
  try {
    const turnserver = 'usr/bin/turnserver';
    const { root, env } = await unpackDebian({ name: 'coturn', packages: [PINS.turn.debian], program: turnserver }, say);
    const program = path.join(root, turnserver);
    const version = await versionOf(program, ['--version'], { env: { ...process.env, ...env } });
    if (!version) throw new Error('the unpacked program does not run here');
    return { path: program, version, how: "Debian's package, unpacked into the cache", env };
  } catch (error) {
    why.push(error.message);
  }
  const help = isDebian()
    ? 'sudo apt-get install coturn'
    : process.platform === 'darwin'
      ? 'brew install coturn'
      : 'install coturn';
  return { missing: true, why, help };
}

/**
 * Starts coturn with time-limited credentials: user name `<expiry>:<id>`, password base64(HMAC-SHA1(secret, user name)).
 * On a loopback address it also relays between programs of this machine; anywhere else that would open the machine's inner services.
 * @returns {Promise<{ urls: string[], secret: string, port: number, pid: number, exited: Promise<number|string>, stop: () => Promise<void> }>}
 */
export async function startTurn({
  program,
  address = '127.0.0.1',
  port = 0,
  secret = randomBytes(24).toString('base64url'),
  logFile,
  say,
} = {}) {
  const found = program ?? (await findTurn(say));
  if (found.missing) throw new Error(`coturn cannot be had (${found.why.join('; ')}). This helps: ${found.help}`);
  const chosen = port === 0 ? await freePort(address) : port;
  const dir = temporaryDir();
  const config = path.join(dir, 'turnserver.conf');
  fs.writeFileSync(config, turnConfiguration({ address, port: chosen, secret, dir }), { mode: 0o600 });
  if (isRoot) for (const place of [dir, config]) fs.chownSync(place, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const server = launch(found.path, ['-c', config], {
    ...unprivileged,
    cwd: dir,
    env: { PATH: process.env.PATH, ...found.env },
    logFile,
  });
  let isOver = false;
  const cleaned = server.exited.then((code) => {
    isOver = true;
    fs.rmSync(dir, { recursive: true, force: true });
    return code;
  });
  if (
    !(await waitUntil(() => isListening(address, chosen), { timeoutMs: READY_TIMEOUT_MS, everyMs: 20, isOver: () => isOver }))
  ) {
    await stopProcess(server, { signal: 'SIGKILL' });
    throw new Error(`coturn did not start: ${server.output().trim().split('\n').pop()}`);
  }
  return {
    urls: ['udp', 'tcp'].map((transport) => `turn:${address}:${chosen}?transport=${transport}`),
    secret,
    port: chosen,
    pid: server.pid,
    exited: cleaned,
    // coturn lets sessions run out on SIGTERM for seconds; on a stop there is nobody left to relay for.
    stop: async () => {
      await stopProcess(server, { signal: 'SIGTERM', graceMs: 1_000 });
      await cleaned;
    },
  };
}

/** Inner networks, which nobody may reach through a relay that the world can use (coturn takes ranges, not prefixes). */
const INNER_NETWORKS = [
  '0.0.0.0-0.255.255.255',
  '10.0.0.0-10.255.255.255',
  '100.64.0.0-100.127.255.255',
  '127.0.0.0-127.255.255.255',
  '169.254.0.0-169.254.255.255',
  '172.16.0.0-172.31.255.255',
  '192.168.0.0-192.168.255.255',
  '::1-::1',
  'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];

/**
 * The lines of coturn's configuration file.
 * @param {object} options
 * @param {string} [options.address] to listen on and relay from; all of the machine's when absent
 * @param {string} options.dir for its own small files
 */
export function turnConfiguration({ address, port, secret, dir }) {
  const isLoopback = address === '127.0.0.1' || address === '::1';
  // Two people behind relays meet at this server's own address, so that one stays open even when it is an inner one.
  const peers = isLoopback
    ? ['allow-loopback-peers']
    : [...INNER_NETWORKS.map((range) => `denied-peer-ip=${range}`), ...(address ? [`allowed-peer-ip=${address}`] : [])];
  return [
    ...(address ? [`listening-ip=${address}`, `relay-ip=${address}`] : []),
    `listening-port=${port}`,
    'use-auth-secret',
    `static-auth-secret=${secret}`,
    'realm=rialto',
    'fingerprint',
    'stale-nonce=600',
    'no-cli',
    'no-tls',
    'no-dtls',
    'no-multicast-peers',
    ...peers,
    `userdb=${path.join(dir, 'turndb')}`,
    `pidfile=${path.join(dir, 'turnserver.pid')}`,
    'log-file=stdout',
    'simple-log',
    '',
  ].join('\n');
}

function isListening(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}
