import { CONTRACTS, type CallId, type TopUpId, type TransferId } from '@rialto/contracts';
import type { Bundle } from '@rialto/crypto';
import { type Dm, draftDm, openDm, sealed } from './dm.ts';
import { intentOf, topUp } from './money.ts';
import { type Device, newId, Person } from './person.ts';
import type { System } from './system.ts';

const { messaging, calls, payments } = CONTRACTS;
const FUNDED_MINOR = 5_000n;
const PAID_MINOR = 700n;

/**
 * Ana and Ben, who write, pay and call each other; Carl, whom Ana is about to write to; Eve, who has nothing to do with any of them; and a
 * device that Ana revoked, which kept its last token.
 */
export interface Scene {
  readonly system: System;
  readonly ana: Person;
  readonly ben: Person;
  readonly carl: Person;
  readonly eve: Person;
  readonly revoked: Device;
  readonly dm: Dm;
  /** A conversation with Carl that Ana's device has prepared. */
  readonly draft: Awaited<ReturnType<typeof draftDm>>;
  /** A commit of Ana's that would end the epoch of the conversation with Ben. */
  readonly commit: Bundle;
  readonly callId: CallId;
  readonly topUpId: TopUpId;
  readonly transferId: TransferId;
}

export async function setScene(system: System): Promise<Scene> {
  const people = await Promise.all(['ana', 'ben', 'carl', 'eve'].map((name) => Person.register(system, name)));
  const [ana, ben, carl, eve] = people as [Person, Person, Person, Person];
  const revoked = await ana.addDevice();
  await ana.revoke(revoked);
  const [dm, topUpId] = await Promise.all([openDm(ana, ben), topUp(ana, FUNDED_MINOR)]);
  await ana.call(messaging.operations.sendMessage, await sealed(dm, ana, 'hello'));
  const { transferId } = await ana.call(payments.operations.transfer, intentOf(ana, ben, PAID_MINOR));
  const callId = newId<CallId>('cal');
  await ana.call(calls.operations.startCall, { callId, conversationId: dm.id, callee: ben.id, media: 'audio' });
  // Answered, it stays as it is; a call that rings ends by itself after a while.
  await ben.call(calls.operations.answerCall, { callId });
  for (const party of [ana, ben]) await party.call(calls.operations.confirmConnected, { callId });
  const draft = await draftDm(ana, carl);
  const group = dm.groups.get(ana);
  if (group === undefined) throw new Error('Ana is in her own conversation');
  const step = await group.commit({});
  step.settle();
  return { system, ana, ben, carl, eve, revoked, dm, draft, commit: step.result, callId, topUpId, transferId };
}

/** What Ana sees of her own things. Whatever somebody else does with their rights, this stays. */
export async function viewOf({ ana, dm, callId, topUpId }: Scene): Promise<object> {
  const { identity } = CONTRACTS;
  const { devices } = await ana.call(identity.operations.listDevices, {});
  const { cursor: _cursor, ...conversation } = await ana.call(messaging.operations.getConversation, { conversationId: dm.id });
  return {
    account: await ana.call(identity.operations.getAccount, { accountId: ana.id }),
    devices: devices.map(({ deviceId, addedAt }) => ({ deviceId, addedAt })),
    keyPackages: await ana.call(identity.operations.countKeyPackages, {}),
    conversation,
    log: await ana.call(messaging.operations.listMessages, { conversationId: dm.id, after: 0 }),
    blocks: await ana.call(messaging.operations.listBlocks, {}),
    call: await ana.call(calls.operations.getCall, { callId }),
    wallet: await ana.call(payments.operations.getWallet, {}),
    topUp: await ana.call(payments.operations.getTopUp, { topUpId }),
  };
}
