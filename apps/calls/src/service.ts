import { calls, type Handlers } from '@rialto/contracts';
import { defineService } from '@rialto/service';
import { applyEvent, endCall, getCall, startCall } from './calls.ts';
import { callsConfig } from './config.ts';
import { handleTimeouts } from './timeouts.ts';
import { listCalls, viewOf } from './history.ts';
import { sendSignal } from './signals.ts';
import { getIceServers } from './turn-credentials.ts';

/** The composition root of the calls service: the arbiter of who rings, who talks and when it is over. */
export const callsService = defineService({
  contract: calls,
  config: callsConfig,
  build: async (kit, config) => {
    if (config.RIALTO_TURN_URLS.length > 0 && config.RIALTO_TURN_SECRET === undefined) {
      throw new Error('RIALTO_TURN_URLS names a TURN server: RIALTO_TURN_SECRET must hold its secret.');
    }
    handleTimeouts(kit);
    const handlers: Handlers<typeof calls> = {
      startCall: async (input, by) => ({ call: viewOf(await startCall(kit, { ...input, by })) }),
      confirmRinging: async ({ callId }, by) => ({ call: viewOf(await applyEvent(kit, callId, { type: 'ring', by })) }),
      answerCall: async ({ callId }, by) => ({ call: viewOf(await applyEvent(kit, callId, { type: 'answer', by })) }),
      confirmConnected: async ({ callId }, by) => ({ call: viewOf(await applyEvent(kit, callId, { type: 'connect', by })) }),
      endCall: async (input, by) => ({ call: await endCall(kit, input, by) }),
      getCall: async ({ callId }, by) => ({ call: viewOf(await getCall(kit, callId, by)) }),
      listCalls: async (input, { accountId }) => ({ calls: await listCalls(kit, { accountId, ...input }) }),
      sendSignal: (input, by) => sendSignal(kit, input, by),
      getIceServers: ({ callId }, by) => getIceServers(kit, config, callId, by),
    };
    return { handlers };
  },
});
