import { randomBytes } from 'node:crypto';
import { calls, idFrom, type CallView, type ConversationId } from '@rialto/contracts';
import { readPush, type NatsClient, type RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testDevice,
  type TestDatabase,
  type TestDevice,
  type TestNats,
} from '@rialto/service/testing';
import { callsService } from '../../../apps/calls/src/service.ts';
import { Call } from '../src/calls/call.ts';
import { CallManager } from '../src/calls/calls.ts';
import type { MediaEngine } from '../src/calls/media-engine.ts';
import type { CallConversation, CallPorts, SignalPayload } from '../src/calls/ports.ts';
import { LoopbackEngine } from './loopback-engine.ts';

interface Sealed {
  readonly account: string;
  readonly device: string;
  readonly plaintext: string;
}
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const EPOCH = 1;

/** Real arbiter, PostgreSQL and NATS; people's devices are `CallManager`s. Sealing only names the sender: MLS has tests of its own. */
export class CallWorld {
  readonly #database: TestDatabase;
  readonly #nats: TestNats;
  readonly #service: RunningService;
  readonly #gateway: NatsClient;
  readonly #people: CallPerson[] = [];
  /** What a test makes of pushes on their way: false loses one. */
  carries: (event: string, payload: CallView | SignalPayload, to: CallPerson) => boolean = () => true;

  private constructor(parts: { database: TestDatabase; nats: TestNats; service: RunningService; gateway: NatsClient }) {
    this.#database = parts.database;
    this.#nats = parts.nats;
    this.#service = parts.service;
    this.#gateway = parts.gateway;
  }

  static async start(): Promise<CallWorld> {
    const [database, nats] = await Promise.all([createTestDatabase(['calls']), startTestNats()]);
    const answers = {
      'messaging.getReach': { isBlocked: false, isAccepted: true, areBothMembers: true },
      'identity.listRevocations': { devices: [] },
    };
    for (const [operation, ok] of Object.entries(answers)) {
      const { connection } = await nats.linkAs(operation.split('.')[0] as 'messaging' | 'identity');
      connection.subscribe(`rpc.calls.${operation}`, {
        callback: (_error, message) => void message.respond(JSON.stringify({ ok })),
      });
    }
    const service = await startTestService(callsService, { database, nats });
    const world = new CallWorld({ database, nats, service, gateway: await nats.connectAs('gateway') });
    const { connection } = await nats.linkAs('gateway');
    connection.subscribe('push.*.*', {
      callback: (error, message) => {
        if (error) throw error;
        world.#push(message.subject.split('.')[2] ?? '', readPush(message.string()).json);
      },
    });
    return world;
  }

  async person(engine: MediaEngine, accountId?: string): Promise<CallPerson> {
    const person = new CallPerson(await testDevice(accountId), engine, this.#gateway);
    this.#people.push(person);
    return person;
  }

  /** Two accounts get a conversation. */
  introduce(...people: readonly CallPerson[]): ConversationId {
    const id = idFrom<ConversationId>('cnv', randomBytes(16));
    for (const person of people) {
      const peer = people.find((other) => other.device.accountId !== person.device.accountId);
      if (peer) person.knows(id, peer);
    }
    return id;
  }

  /** Ana, and Ben with a second device, in a conversation of theirs; nothing gets lost. */
  async scene(): Promise<CallScene> {
    this.carries = () => true;
    const engines = { ana: new LoopbackEngine(), ben: new LoopbackEngine(), laptop: new LoopbackEngine() };
    const [ana, ben] = [await this.person(engines.ana), await this.person(engines.ben)];
    const laptop = await this.person(engines.laptop, ben.device.accountId);
    return { engines, ana, ben, laptop, conversation: this.introduce(ana, ben, laptop) };
  }

  async stop(): Promise<void> {
    for (const person of this.#people) await person.manager.close();
    await this.#service.stop();
    await this.#nats.stop();
    await this.#database.drop();
  }

  #push(account: string, json: string): void {
    const { event, payload } = JSON.parse(json) as { event: string; payload: CallView & SignalPayload };
    for (const person of this.#people) {
      if (person.isAway || person.device.accountId !== account || !this.carries(event, payload, person)) continue;
      if (event === 'calls.callChanged') void person.manager.handleCallChanged(payload);
      else person.manager.handleSignal(payload);
    }
  }
}

export interface CallScene {
  engines: { ana: LoopbackEngine; ben: LoopbackEngine; laptop: LoopbackEngine };
  ana: CallPerson;
  ben: CallPerson;
  laptop: CallPerson;
  conversation: ConversationId;
}

/** One device of somebody. */
export class CallPerson {
  readonly device: TestDevice;
  readonly problems: { code: string; cause?: unknown }[] = [];
  readonly incoming: Call[] = [];
  /** Every state of every call, in order. */
  readonly states: string[] = [];
  manager: CallManager;
  isAway = false;
  hidesAddress = false;
  /** How late this device has the key of what the other side sends. */
  peerKeyDelayMs = 0;
  /** How many sealed signals were opened. */
  opened = 0;
  readonly #ports: CallPorts;
  readonly #conversations = new Map<ConversationId, CallConversation>();

  constructor(device: TestDevice, engine: MediaEngine, gateway: NatsClient) {
    this.device = device;
    const api = Object.fromEntries(
      Object.values(calls.operations).map((operation) => [
        operation.name,
        (input: never) => gateway.call(operation, input, { token: device.token }),
      ]),
    ) as unknown as CallPorts['api'];
    this.#ports = {
      api,
      me: { accountId: device.accountId, deviceId: device.deviceId },
      engine,
      surroundings: {
        now: () => Date.now(),
        after: (delayMs, run) => {
          const timer = setTimeout(run, delayMs);
          return () => clearTimeout(timer);
        },
        random: (bytes) => new Uint8Array(randomBytes(bytes)),
      },
      conversation: async (id) => {
        const found = this.#conversations.get(id);
        if (found === undefined) throw new Error('no such conversation');
        return found;
      },
      hidesAddress: () => this.hidesAddress,
      report: (problem) => this.problems.push(problem),
    };
    this.manager = this.#begin();
  }

  /** The process dies and comes back: nothing in memory remains. */
  async crash(): Promise<void> {
    this.manager = this.#begin();
    await this.manager.handleOnline();
  }

  knows(id: ConversationId, peer: CallPerson): void {
    const { accountId, deviceId } = this.device;
    // The lower account has leaf 0; in these tests all devices of one account share a leaf.
    const leafOf = (account: string) => Number(account === [accountId, peer.device.accountId].map(String).sort()[1]);
    this.#conversations.set(id, {
      id,
      peer: peer.device.accountId,
      standing: 'accepted',
      epoch: EPOCH,
      demandTrust: () => undefined,
      leafIndex: leafOf(accountId),
      sealEphemeral: async (plaintext) =>
        encode({ account: accountId, device: deviceId, plaintext: new TextDecoder().decode(plaintext) }),
      openEphemeral: async (sealed) => {
        this.opened += 1;
        const { account, device, plaintext } = decode(sealed) as Sealed;
        const sender = { accountId: account as never, deviceId: device as never, leafIndex: leafOf(account) };
        return { sender, epoch: EPOCH, plaintext: new TextEncoder().encode(plaintext) };
      },
      mediaKey: async ({ callId, leafIndex, instance }) => {
        if (leafIndex !== leafOf(accountId)) await new Promise((resolve) => setTimeout(resolve, this.peerKeyDelayMs));
        const context = encode([id, callId, leafIndex, [...instance]]);
        return { epoch: EPOCH, key: new Uint8Array(await crypto.subtle.digest('SHA-512', context)) };
      },
      catchUp: async () => {},
      onEpoch: () => () => {},
    });
  }

  #begin(): CallManager {
    const manager = new CallManager(this.#ports);
    manager.on('call.incoming', (call) => this.incoming.push(call));
    manager.on('call.changed', (call) => this.states.push(call.state));
    return manager;
  }
}

export const rings = (person: CallPerson) => until(() => person.incoming.at(-1));
export const isActive = (person: CallPerson) => until(() => person.manager.current?.state === 'active');
export const isQuiet = (person: CallPerson) => until(() => person.manager.current === null);

/** What kind of signal travels here. */
export const signalTypeOf = ({ bytes }: Pick<SignalPayload, 'bytes'>): string =>
  (JSON.parse((decode(Buffer.from(bytes, 'base64url')) as Sealed).plaintext) as { type: string }).type;

export async function until<T>(look: () => T | undefined | false | null, timeoutMs = 10_000): Promise<T> {
  for (const late = Date.now() + timeoutMs; Date.now() < late; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const found = look();
    if (found) return found;
  }
  throw new Error('it did not happen in time');
}
