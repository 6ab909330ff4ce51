import { createUser, fromSeed } from '@nats-io/nkeys';
import { CONTRACTS, type Peer } from '@rialto/contracts';
import { startNats } from '@rialto/engines';
import { logger } from '../log.ts';
import { NatsClient } from '../nats-client.ts';
import { connectNats, type NatsLink } from '../nats-connection.ts';
import { natsAuthorization, PEERS, permissionsOf } from '../subjects.ts';
import { testNatsServer } from './config.ts';
import { endWithUs } from './watchdog.ts';

export interface TestNats {
  readonly url: string;
  readonly pid: number;
  seedOf(peer: Peer): string;
  /** A client with the credential and the permissions of a peer. */
  connectAs(peer: Peer): Promise<NatsClient>;
  /** The same credential without our client's manners. */
  linkAs(peer: Peer): Promise<NatsLink>;
  stop(): Promise<void>;
}
export interface TestNatsOptions {
  readonly port?: number;
  /** The keys of an earlier server, to start "the same" one again. */
  readonly seeds?: ReadonlyMap<Peer, string>;
}

/** A nats-server of its own with the authorization that the contracts make. */
export async function startTestNats({ port = 0, seeds = newSeeds() }: TestNatsOptions = {}): Promise<TestNats> {
  const users = Object.fromEntries(
    PEERS.map((peer) => [peer, { nkey: publicKeyOf(seeds.get(peer) ?? ''), ...permissionsOf(peer, Object.values(CONTRACTS)) }]),
  );
  const binary = testNatsServer === undefined ? {} : { binary: testNatsServer };
  const server = await startNats({ config: natsAuthorization(users), port, ...binary });
  endWithUs(server.pid);
  const links: NatsLink[] = [];
  const seedOf = (peer: Peer) => seeds.get(peer) ?? '';
  const linkAs = async (peer: Peer) => {
    const link = await connectNats(peer, { url: server.url, seed: seedOf(peer), log: logger(`test-${peer}`, 'silent') });
    links.push(link);
    return link;
  };
  const stop = async () => {
    await Promise.all(links.map((link) => link.close()));
    await server.stop();
  };
  return {
    url: server.url,
    pid: server.pid,
    seedOf,
    linkAs,
    connectAs: async (peer) => new NatsClient(await linkAs(peer)),
    stop,
  };
}

export const connectAs = (nats: TestNats, peer: Peer): Promise<NatsClient> => nats.connectAs(peer);

const publicKeyOf = (seed: string): string => fromSeed(new TextEncoder().encode(seed)).getPublicKey();
const decoder = new TextDecoder();
/** New nkey seeds for every peer. */
export const newSeeds = (): Map<Peer, string> => new Map(PEERS.map((peer) => [peer, decoder.decode(createUser().getSeed())]));
