import { createHmac, randomBytes } from 'node:crypto';
import { AppError, TURN_CREDENTIAL_LIFETIME_MS, type CallId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import { getCall, reachBetween } from './calls.ts';
import type { CallsConfig } from './config.ts';
import { isParty, sideOf, type Device } from './domain/call.ts';
import { viewOf } from './history.ts';

const CREDENTIAL_ID_BYTES = 12;

/**
 * coturn's time-limited credentials (`use-auth-secret`; draft-uberti-behave-turn-rest-00): user name `<expiry in seconds>:<id>`, password
 * base64 of HMAC-SHA1 over it. The id is random, so the relay's log does not name people.
 */
export function turnCredential(secret: string, { expiresAtMs, id }: { expiresAtMs: number; id: string }) {
  const username = `${Math.floor(expiresAtMs / 1_000)}:${id}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

/**
 * Where a party of a live call may relay, and whether addresses must stay hidden. No TURN server configured: an empty list, and only
 * addresses of one's own are left to connect by. Throws `call-ended`, `forbidden`.
 */
export async function getIceServers(kit: Pick<Kit, 'database' | 'nats'>, config: CallsConfig, callId: CallId, by: Device) {
  const call = await getCall(kit, callId, by);
  if (call.state === 'ended') throw new AppError('call-ended', { call: viewOf(call) });
  if (!isParty(call, by.accountId) || sideOf(call, by) === 'bystander') throw new AppError('forbidden');
  const { haveBothAccepted } = await reachBetween(kit, {
    from: call.caller,
    to: call.callee,
    conversationId: call.conversationId,
  });
  const expiresAtMs = Date.now() + TURN_CREDENTIAL_LIFETIME_MS;
  const id = randomBytes(CREDENTIAL_ID_BYTES).toString('base64url');
  const { RIALTO_TURN_URLS: urls, RIALTO_TURN_SECRET: secret } = config;
  return {
    iceServers: urls.length === 0 || secret === undefined ? [] : [{ urls, ...turnCredential(secret, { expiresAtMs, id }) }],
    isRelayOnly: !haveBothAccepted,
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}
