import fs from 'node:fs';
import { NATS_MAX_PAYLOAD_BYTES } from '@rialto/engines';
import { PEERS } from './secrets.mjs';

/** Writes NATS's configuration: one key for each kind of process, and for each what the contracts allow it. */
export async function writeNatsConfig(file, secrets) {
  const { natsAuthorization, permissionsOf } = await import('@rialto/service');
  const { CONTRACTS } = await import('@rialto/contracts');
  const services = Object.values(CONTRACTS);
  const users = PEERS.map((peer) => [peer, { nkey: secrets[`nats_${peer}`].publicKey, ...permissionsOf(peer, services) }]);
  const text = `max_payload: ${NATS_MAX_PAYLOAD_BYTES}\n${natsAuthorization(Object.fromEntries(users))}`;
  fs.writeFileSync(file, text, { mode: 0o600 });
}
