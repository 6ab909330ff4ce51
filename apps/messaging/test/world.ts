// Two replicas of the service on real engines, and people with real MLS groups. Of identity only what messaging asks: chains by account.
import {
  type Bound,
  type ClientMessageId,
  type ConversationId,
  idFrom,
  type Input,
  messaging,
  type Output,
} from '@rialto/contracts';
import {
  type Bundle,
  dmPolicy,
  Group,
  type OwnKeyPackage,
  type Policy,
  randomBytes,
  ready,
  type Step,
  type Suite,
  toBase64url,
  xwingSuite,
} from '@rialto/crypto';
import type { NatsClient, NatsLink, RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  type TestDatabase,
  type TestNats,
  testToken,
} from '@rialto/service/testing';
import { messagingService } from '../src/service.ts';
import { type Device, Person } from './people.ts';

export const { operations } = messaging;
const REPLICAS = 2;

export const newConversationId = (): ConversationId => idFrom('cnv', randomBytes(16));
export const newMessageId = (): ClientMessageId => idFrom('msg', randomBytes(16));

/** Takes a step at once: these tests keep no store. */
export function take<T>(step: Step<T>): T {
  step.settle();
  return step.result;
}

export const wire = (bundle: Bundle) => ({
  commit: toBase64url(bundle.commit),
  groupInfo: toBase64url(bundle.groupInfo),
  welcome: bundle.welcome === undefined ? null : toBase64url(bundle.welcome),
});

/** The same message under another id, as far as a server can see: members would find that the signature does not fit. */
export function underNewId(sealed: Input<typeof operations.sendMessage>): Input<typeof operations.sendMessage> {
  const clientMessageId = newMessageId();
  const [was, is] = [sealed.clientMessageId, clientMessageId].map((id) => Buffer.from(id.slice('msg_'.length), 'base64url'));
  const bytes = Buffer.from(sealed.bytes, 'base64url');
  is?.copy(bytes, bytes.indexOf(was ?? ''));
  return { ...sealed, clientMessageId, bytes: bytes.toString('base64url') };
}

/** A dm that is ready to be opened: the creator's group with its commit pending, and what goes to the server. */
export interface Draft {
  readonly input: Input<typeof operations.createDm>;
  readonly group: Group;
  readonly bundle: Bundle;
  readonly packages: ReadonlyMap<Device, OwnKeyPackage>;
}
interface DraftOptions {
  readonly joiners?: readonly Device[];
  readonly conversationId?: ConversationId;
  readonly policy?: Policy;
  readonly peer?: Person;
}

/** A conversation that the server knows, with the groups of the devices that are in it. */
export interface Dm {
  readonly id: ConversationId;
  readonly groups: Map<Device, Group>;
  readonly draft: Draft;
}

export class World {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  readonly replicas: RunningService[] = [];
  readonly suite: Suite;
  readonly #people = new Map<string, Person>();
  readonly #gateway: NatsClient;
  readonly #gatewayLink: NatsLink;

  private constructor(parts: {
    database: TestDatabase;
    nats: TestNats;
    suite: Suite;
    gateway: NatsClient;
    gatewayLink: NatsLink;
  }) {
    this.database = parts.database;
    this.nats = parts.nats;
    this.suite = parts.suite;
    this.#gateway = parts.gateway;
    this.#gatewayLink = parts.gatewayLink;
  }

  /** `replicas` run in this process; a test that kills them starts its own. */
  static async start({ replicas = REPLICAS } = {}): Promise<World> {
    await ready();
    const [database, nats, suite] = await Promise.all([createTestDatabase(['messaging']), startTestNats(), xwingSuite()]);
    const gatewayLink = await nats.linkAs('gateway');
    const world = new World({ database, nats, suite, gateway: await nats.connectAs('gateway'), gatewayLink });
    await world.#answerForIdentity(await nats.linkAs('identity'));
    for (let replica = 0; replica < replicas; replica += 1) {
      world.replicas.push(await startTestService(messagingService, { database, nats }));
    }
    return world;
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.nats.stop();
    await this.database.drop();
  }

  async #answerForIdentity({ connection }: NatsLink): Promise<void> {
    connection.subscribe('rpc.*.identity.*', {
      callback: (_error, message) => {
        const operation = message.subject.split('.').at(-1);
        if (operation === 'listRevocations') return void message.respond('{"ok":{"devices":[]}}');
        const { input } = message.json<{ input: { accountId: string } }>();
        const chain = this.#people.get(input.accountId)?.chain;
        if (chain === undefined) return void message.respond('{"error":{"code":"not-found"}}');
        message.respond(JSON.stringify({ ok: { chain: toBase64url(chain.bytes), chainSeq: chain.heads.length - 1 } }));
      },
    });
    await connection.flush();
  }

  async person(): Promise<Person> {
    const person = new Person(this.suite);
    this.#people.set(person.id, person);
    await this.signIn(person.first);
    return person;
  }
  people(count: number): Promise<Person[]> {
    return Promise.all(Array.from({ length: count }, () => this.person()));
  }
  async signIn(device: Device): Promise<void> {
    device.token = await testToken({ accountId: device.person.id, deviceId: device.id, deviceKey: device.deviceKey.publicKey });
  }

  /** Calls as the gateway does. */
  call<O extends Bound>(operation: O, input: Input<O>, by: Device | Person, { timeoutMs = 20_000 } = {}): Promise<Output<O>> {
    const device = by instanceof Person ? by.first : by;
    return this.#gateway.call(operation, input, { token: device.token, timeoutMs });
  }

  /** Everything that is pushed to an account from now on. */
  async pushes(person: Person): Promise<{ deviceId?: string; event: string; payload: Record<string, unknown> }[]> {
    const pushes: { deviceId?: string; event: string; payload: Record<string, unknown> }[] = [];
    this.#gatewayLink.connection.subscribe(`push.messaging.${person.id}`, {
      callback: (_error, push) => {
        const text = push.string();
        const at = text.indexOf('{');
        const parsed = JSON.parse(text.slice(at)) as { event: string; payload: Record<string, unknown> };
        pushes.push(at === 0 ? parsed : { deviceId: text.slice(0, at), ...parsed });
      },
    });
    await this.#gatewayLink.connection.flush();
    return pushes;
  }

  async draft(creator: Person, peer: Person, options: DraftOptions = {}): Promise<Draft> {
    const { joiners = [peer.first], conversationId = newConversationId() } = options;
    const policy = options.policy ?? dmPolicy(conversationId, [creator.id, peer.id]);
    for (const person of [creator, peer]) creator.first.engine.chains.learn(person.chain.bytes);
    const { group, groupInfo } = await Group.create(creator.first.engine, await creator.first.keyPackage(), policy);
    const packages = new Map<Device, OwnKeyPackage>();
    for (const device of joiners) packages.set(device, await device.keyPackage());
    const chains = [...new Set(joiners.map((device) => device.person.chain))];
    const bundle = take(
      await group.commit({ add: [...packages.values()].map(({ publicBytes }) => publicBytes), evidence: { chains } }),
    );
    const input = {
      conversationId,
      peer: (options.peer ?? peer).id,
      initialGroupInfo: toBase64url(groupInfo),
      clientMessageId: newMessageId(),
      epoch: 0,
      ...wire(bundle),
    };
    return { input, group, bundle, packages };
  }

  /** Opens a dm and lets everybody in; the peer has not accepted yet. */
  async dm(creator: Person, peer: Person, options: DraftOptions = {}): Promise<Dm> {
    const draft = await this.draft(creator, peer, options);
    await this.call(operations.createDm, draft.input, creator);
    take(await draft.group.receive(draft.bundle.commit));
    const groups = new Map([[creator.first, draft.group]]);
    for (const [device, own] of draft.packages) {
      for (const person of [creator, peer]) device.engine.chains.learn(person.chain.bytes);
      const { group } = await Group.join(device.engine, own, draft.bundle.welcome ?? new Uint8Array(), {
        conversationId: draft.input.conversationId,
      });
      groups.set(device, group);
    }
    return { id: draft.input.conversationId, groups, draft };
  }

  async acceptedDm(creator: Person, peer: Person, options: DraftOptions = {}): Promise<Dm> {
    const dm = await this.dm(creator, peer, options);
    await this.call(operations.acceptConversation, { conversationId: dm.id }, peer);
    return dm;
  }

  async sealed(
    dm: Dm,
    device: Device,
    text = 'hello',
    clientMessageId = newMessageId(),
  ): Promise<Input<typeof operations.sendMessage>> {
    const group = dm.groups.get(device);
    if (group === undefined) throw new Error('the device is not in the group');
    const { bytes } = take(await group.send(new TextEncoder().encode(text), clientMessageId.slice('msg_'.length)));
    return { conversationId: dm.id, clientMessageId, epoch: Number(group.epoch), bytes: toBase64url(bytes) };
  }
  async send(dm: Dm, device: Device, text?: string): Promise<Output<typeof operations.sendMessage>> {
    return this.call(operations.sendMessage, await this.sealed(dm, device, text), device);
  }

  /** A row of one value. */
  async one<T>(sql: string, values: unknown[] = []): Promise<T> {
    const { rows } = await this.database.admin.query<{ value: T }>(`select (${sql}) as value`, values);
    return rows[0]?.value as T;
  }
}

const EVENTUALLY_MS = 10_000;
/** Tries an expectation until it holds: a push follows its answer, and how soon depends on the machine. */
export async function eventually(expectation: () => void): Promise<void> {
  for (const end = Date.now() + EVENTUALLY_MS; ;) {
    try {
      return expectation();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
/** For what must not arrive. */
export const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
export const code = (code: string, details?: object) =>
  details === undefined ? { code } : { code, details: expect.objectContaining(details) };
