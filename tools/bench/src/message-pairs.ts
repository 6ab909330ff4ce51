import { type Dm, openDm, sealed } from '../../../apps/e2e/src/dm.ts';
import { Person } from '../../../apps/e2e/src/person.ts';
import type { System } from '../../../apps/e2e/src/system.ts';
import { inLanes } from './lanes.ts';
import type { Pair, Side } from './load/protocol.ts';

/** Pairs of people with a conversation that both have accepted; sequencer and members are the product's own. */
export function messagePairs(system: System, count: number): Promise<Dm[]> {
  return inLanes(count, async (index) => {
    const [creator, peer] = await Promise.all([Person.register(system, `a${index}`), Person.register(system, `b${index}`)]);
    return openDm(creator, peer);
  });
}

/** Signs everybody in anew, for tokens end after minutes, and seals a message of exactly so many bytes for each. */
export async function sealedPairs(dms: readonly Dm[], bytes: number): Promise<Pair[]> {
  return inLanes(dms.length, async (index): Promise<Pair> => {
    const dm = dms[index];
    if (dm === undefined) throw new Error('a pair without a conversation');
    const { creator, peer, id } = dm;
    const sides: [Side, Side] = [await sideOf(dm, creator, bytes), await sideOf(dm, peer, bytes)];
    return { conversationId: id, epoch: 1, sides };
  });
}

async function sideOf(dm: Dm, person: Person, bytes: number): Promise<Side> {
  const token = await person.first.signIn();
  let chars = bytes / 2;
  for (let attempt = 0; attempt < 4; attempt++) {
    const message = await sealed(dm, person, 'x'.repeat(chars));
    const length = Buffer.from(message.bytes, 'base64url').length;
    if (length === bytes) return { token, clientMessageId: message.clientMessageId, bytes: message.bytes };
    chars += bytes - length;
  }
  throw new Error(`no text is ${bytes} bytes when it is sealed`);
}
