import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NATS_MAX_PAYLOAD_BYTES, run } from '@rialto/engines';
import { newestIn } from './newest.mjs';
import { PEERS } from './secrets.mjs';
import { StartProblem } from './start-problem.mjs';

const PROGRAM = fileURLToPath(new URL('./permissions-program.mjs', import.meta.url));
const SOURCES = ['libs/contracts/src', 'libs/service/src/subjects.ts', 'tools/start/src', 'tools/engines/src/pins.mjs'];

/**
 * Writes NATS's configuration: one key for each kind of process, and for each what the contracts allow it. It is made by a process of its own:
 * the contracts and what they need would otherwise stay in the memory of the start for as long as the system runs.
 * @returns {Promise<boolean>} whether it is another one than before
 */
export async function writeNatsConfig(file, secretsFile, secrets) {
  const sourceMs = Math.max(newestIn(SOURCES), fs.statSync(secretsFile).mtimeMs);
  if (fs.existsSync(file) && fs.statSync(file).mtimeMs > sourceMs) return false;
  const nkeys = Object.fromEntries(PEERS.map((peer) => [peer, secrets[`nats_${peer}`].publicKey]));
  const { status, stdout, stderr } = await run(process.execPath, [PROGRAM, JSON.stringify(nkeys)]);
  if (status !== 0) throw new StartProblem(`NATS's permissions could not be made from the contracts:\n${stderr.trim()}`);
  const before = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  const text = `max_payload: ${NATS_MAX_PAYLOAD_BYTES}\n${stdout}`;
  fs.writeFileSync(file, text, { mode: 0o600 });
  return text !== before;
}
