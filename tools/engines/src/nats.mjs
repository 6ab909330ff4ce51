import fs from 'node:fs';
import path from 'node:path';
import { temporaryDir } from './cache.mjs';
import { findNats } from './nats-program.mjs';
import { NATS_MAX_PAYLOAD_BYTES } from './pins.mjs';
import { launch, stopProcess, waitUntil } from './processes.mjs';

const READY_TIMEOUT_MS = 10_000;
const LISTEN_HOST = '127.0.0.1';

/**
 * Starts nats-server on loopback.
 * @param {object} options
 * @param {string} [options.config] lines of NATS configuration to use beside ours, for example an `authorization { … }` block
 * @param {string} [options.configFile] a complete configuration file instead; the address is still ours
 * @param {number} [options.port] 0, the default, takes a free one
 * @param {string} [options.binary] path of nats-server; looked for when absent
 * @param {string} [options.logFile] where its log is appended
 * @returns {Promise<{ url: string, port: number, pid: number, version?: string, configFile: string, reload: () => void,
 *   exited: Promise<number|string>, stop: () => Promise<void> }>}
 */
export async function startNats({ config = '', configFile, port = 0, binary, logFile, say } = {}) {
  const program = binary ? { path: binary } : await findNats(say);
  if (program.missing) throw new Error(`nats-server cannot be had (${program.why.join('; ')}). This helps: ${program.help}`);
  const dir = temporaryDir();
  const file = configFile ?? path.join(dir, 'nats.conf');
  if (!configFile) fs.writeFileSync(file, `max_payload: ${NATS_MAX_PAYLOAD_BYTES}\n${config}\n`, { mode: 0o600 });
  const args = ['-c', file, '-a', LISTEN_HOST, '-p', port === 0 ? '-1' : String(port), '--ports_file_dir', dir];
  const server = launch(program.path, args, { cwd: dir, logFile });
  let isOver = false;
  const cleaned = server.exited.then((code) => {
    isOver = true;
    fs.rmSync(dir, { recursive: true, force: true });
    return code;
  });
  const portsFile = path.join(dir, `${path.basename(program.path)}_${server.pid}.ports`);
  const address = await waitUntil(() => readPorts(portsFile), { timeoutMs: READY_TIMEOUT_MS, everyMs: 5, isOver: () => isOver });
  if (!address) {
    await stopProcess(server, { signal: 'SIGKILL' });
    await cleaned;
    throw new Error(`nats-server did not start: ${server.output().trim().split('\n').pop()}`);
  }
  return {
    url: address,
    port: Number(new URL(address).port),
    pid: server.pid,
    version: program.version,
    configFile: file,
    reload: () => server.child.kill('SIGHUP'),
    exited: cleaned,
    stop: async () => {
      await stopProcess(server);
      await cleaned;
    },
  };
}

/** nats-server writes its addresses into a file once it listens; a half-written file does not parse. */
function readPorts(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).nats?.[0];
  } catch {
    return undefined; // Not there yet, or not complete yet: the caller asks again.
  }
}
