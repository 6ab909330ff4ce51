import { AppError, calls, type CallId, type DeviceId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import { countSignal } from './call-table.ts';
import { getCall } from './calls.ts';
import { sideOf, type Device } from './domain/call.ts';
import { viewOf } from './history.ts';

/**
 * Relays sealed bytes between the parties of a live call and forgets them. A device that lost the call, or did not make it, is no party.
 * Throws `call-ended`, `forbidden`, `rate-limited`.
 */
export async function sendSignal(
  kit: Pick<Kit, 'database' | 'push'>,
  { callId, toDevice, bytes }: { callId: CallId; toDevice?: DeviceId | undefined; bytes: string },
  by: Device,
): Promise<{ relayed: boolean }> {
  const call = await getCall(kit, callId, by);
  const side = sideOf(call, by);
  if (call.state === 'ended') throw new AppError('call-ended', { call: viewOf(call) });
  if (side !== 'caller' && side !== 'callee') throw new AppError('forbidden');
  if (!(await countSignal(kit.database.pool, callId, side === 'caller'))) {
    const now = await getCall(kit, callId, by);
    throw now.state === 'ended' ? new AppError('call-ended', { call: viewOf(now) }) : new AppError('rate-limited');
  }
  const target =
    side === 'caller' ? { account: call.callee, device: call.calleeDevice } : { account: call.caller, device: call.callerDevice };
  const payload = {
    callId,
    toDevice: target.device ?? toDevice ?? null,
    fromAccount: by.accountId,
    fromDevice: by.deviceId,
    bytes,
    at: new Date().toISOString(),
  };
  kit.push.toAccount(calls.events.signal, target.account, payload);
  return { relayed: true };
}
