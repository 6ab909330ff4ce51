import type { CallView, LogRow, Payload, payments as paymentsContract, TopUpView } from '@rialto/contracts';
import { type Chain, type Engine, toBase64url, wipe } from '@rialto/crypto';
import { type AccountRecord, chainOf, isPhrase, keptPhrase, signingKey } from './account/account-record.ts';
import { KeyPackages } from './account/key-packages.ts';
import { CallManager } from './calls/calls.ts';
import type { MediaEngine } from './calls/media-engine.ts';
import type { SignalPayload, Surroundings } from './calls/ports.ts';
import { ClientError } from './client-error.ts';
import { ConversationParts } from './conversations/assembly.ts';
import { DeviceList } from './account/devices.ts';
import { type ClientEvents, Emitter, type EventName } from './events.ts';
import { People } from './people/people.ts';
import { ACCOUNT_KEY } from './place-of-account.ts';
import { Rows } from './rows.ts';
import type { RialtoClient } from './sdk.ts';
import type { Change, Store } from './store.ts';
import { Connection } from './transport/connection.ts';
import { isPassing } from './transport/problem.ts';
import { signerOf } from './transport/signing.ts';
import type { OwnAccount } from './views.ts';
import { assembleWallet, type WalletParts } from './wallet/assembly.ts';

const SYNC_EVERY_MS = 30_000;
const SETTINGS_KEY = 'settings';
const DEFAULT_ONLINE_TIMEOUT_MS = 20_000;

export interface ClientOptions {
  readonly store: Store;
  readonly record: AccountRecord;
  readonly url: string;
  readonly engine: Engine;
  readonly media: MediaEngine;
}
interface SettingsRecord {
  readonly sendsReadReceipts: boolean;
  readonly hidesAddressInCalls: boolean;
}

/** Wires the parts of one signed-in device. Every rule lives in a part; here is only who hears of what. */
export class Client implements RialtoClient {
  readonly people: People;
  readonly conversations: ConversationParts['conversations'];
  readonly wallet: WalletParts['wallet'];
  readonly calls: CallManager;
  readonly devices: DeviceList;
  readonly settings;
  readonly connection: Connection;
  readonly #store: Store;
  readonly #events = new Emitter();
  readonly #closed = new AbortController();
  readonly #accountRows: Rows<AccountRecord>;
  readonly #keyPackages: KeyPackages;
  readonly #conversationParts: ConversationParts;
  readonly #walletParts: WalletParts;
  #record: AccountRecord;
  #chain: Chain;
  #settings: SettingsRecord = { sendsReadReceipts: true, hidesAddressInCalls: false };
  #timer: ReturnType<typeof setInterval> | undefined;
  #work = new Set<Promise<unknown>>();

  constructor({ store, record, url, engine, media }: ClientOptions) {
    this.#store = store;
    this.#record = record;
    this.#chain = chainOf(record);
    this.#accountRows = new Rows(store, 'setting');
    const { accountId, deviceId } = record;
    const deviceKey = signingKey(record.deviceKey).privateKey;
    const signer = signerOf(deviceKey);
    this.#closed.signal.addEventListener('abort', () => wipe(deviceKey), { once: true });
    this.connection = new Connection({ url, identity: { accountId, deviceId, signer } });
    const { api } = this.connection;
    const shared = {
      store,
      api,
      events: this.#events,
      me: { accountId, deviceId },
      ownChain: () => this.#chain,
      now: () => this.connection.serverNow(),
      background: this.#background,
      closed: this.#closed.signal,
    };
    this.people = new People({ store, api: api.identity, engine, me: accountId, events: this.#events });
    this.#keyPackages = new KeyPackages({
      store,
      engine,
      mlsKey: signingKey(record.mlsKey),
      deviceId,
      chain: shared.ownChain,
      now: shared.now,
    });
    this.#walletParts = assembleWallet({ ...shared, people: this.people, signer });
    this.#conversationParts = new ConversationParts({
      ...shared,
      engine,
      people: this.people,
      keyPackages: this.#keyPackages,
      cards: this.#walletParts.cards,
      pay: this.#walletParts.pay,
      sendsReadReceipts: () => this.#settings.sendsReadReceipts,
    });
    this.#walletParts.connect(this.#conversationParts);
    this.wallet = this.#walletParts.wallet;
    this.conversations = this.#conversationParts.conversations;
    this.devices = new DeviceList({
      ...shared,
      deviceKey,
      learnOwn: (chain, asked) => this.#learnOwn(chain, asked),
      removeEverywhere: () => this.#conversationParts.removeRevoked(),
    });
    this.calls = this.#makeCalls(media);
    this.settings = this.#settingsSurface();
    this.#listen();
    store.lost?.addEventListener('abort', () => void this.#leave(), { once: true });
  }

  get account(): OwnAccount {
    const { accountId, deviceId, handle, displayName, isPhraseConfirmed } = this.#record;
    return { accountId, deviceId, handle, displayName, recoveryPhraseConfirmed: isPhraseConfirmed };
  }

  on<N extends EventName>(name: N, handler: (payload: ClientEvents[N]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** Reads what is stored, then connects. Throws what the store throws. */
  async start(): Promise<void> {
    this.#settings = { ...this.#settings, ...(await new Rows<SettingsRecord>(this.#store, 'setting').get(SETTINGS_KEY)) };
    await this.people.load();
    await this.wallet.load();
    await this.people.learnOwn({ ...this.account, chain: this.#record.chain });
    this.connection.start();
    this.#timer = setInterval(() => this.connection.state === 'online' && this.#background(this.sync()), SYNC_EVERY_MS);
  }

  async confirmRecoveryPhrase(words: string): Promise<void> {
    if (!isPhrase(this.#record.phraseCheck, words)) throw new ClientError('phrase-wrong');
    await this.#saveRecord({ isPhraseConfirmed: true }, [keptPhrase(this.#store).forget()]);
  }
  async recoveryPhrase(): Promise<string | null> {
    return keptPhrase(this.#store).read();
  }
  async forgetRecoveryPhrase(): Promise<void> {
    await this.#store.write([keptPhrase(this.#store).forget()]);
  }
  async setDisplayName(displayName: string): Promise<void> {
    const answer = await this.connection.api.identity.setProfile({ displayName: displayName.trim() });
    await this.#saveRecord({ displayName: answer.displayName });
  }

  /** Tries everything, whatever of it fails, and rejects with the first failure. */
  async sync(): Promise<void> {
    const failures: unknown[] = [];
    const fail = (error: unknown): void => void failures.push(error);
    await this.conversations.resume().catch(fail);
    await this.#conversationParts.sync.all().catch(fail);
    await this.#walletParts.transfers.resume().catch(fail);
    // A push that was lost must not leave money unseen.
    await this.wallet.refresh().catch(fail);
    await this.#keyPackages.refill(this.connection.api.identity).catch(fail);
    if (failures.length > 0) throw failures[0];
  }

  async settle(): Promise<void> {
    await this.#conversationParts.settle();
    await Promise.allSettled(this.#work);
  }

  async whenOnline(timeoutMs: number = DEFAULT_ONLINE_TIMEOUT_MS): Promise<void> {
    if (this.connection.state === 'online') return;
    await new Promise<void>((resolve, reject) => {
      const end = (error?: ClientError) => {
        clearTimeout(timer);
        off();
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(() => end(new ClientError('offline')), timeoutMs);
      const off = this.#events.on('connection.changed', ({ state }) => {
        if (state === 'online') end();
        if (state === 'revoked' || state === 'signed-out') end(new ClientError('offline'));
      });
    });
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    clearInterval(this.#timer);
    await this.calls.close();
    this.#conversationParts.stop();
    this.connection.stop();
    this.#closed.abort();
    await Promise.allSettled(this.#work);
    await this.#store.close();
  }

  /** Another tab is the writer from now on: this one stops at once and gives the store up. */
  async #leave(): Promise<void> {
    this.connection.yieldTo('elsewhere');
    await this.close();
  }

  #listen(): void {
    const { connection } = this;
    connection.events.on('changed', ({ state }) => {
      this.#events.emit('connection.changed', { state });
      if (state === 'revoked') this.#events.emit('problem', { code: 'device-revoked' });
      if (state === 'online') this.#background(this.calls.handleOnline());
    });
    connection.events.on('missed', () => this.#background(this.sync()));
    connection.events.on('refused', ({ code }) => this.#events.emit('problem', { code: 'socket-refused', detail: String(code) }));
    connection.handle('messaging.message', (row: LogRow) => this.#quietly(this.conversations.handleMessage(row)));
    const syncAll = () => this.#quietly(this.#conversationParts.sync.all());
    connection.handle('messaging.welcome', syncAll);
    connection.handle('messaging.conversationChanged', syncAll);
    type Posted = Payload<(typeof paymentsContract)['events']['transferPosted']>;
    connection.handle('payments.transferPosted', (_posted: Posted) => this.#quietly(this.wallet.handlePosted()));
    connection.handle('payments.topUpChanged', (view: TopUpView) => this.#quietly(this.wallet.handleTopUp(view)));
    connection.handle('calls.callChanged', (view: CallView) => this.#quietly(this.calls.handleCallChanged(view)));
    connection.handle('calls.signal', async (signal: SignalPayload) => this.calls.handleSignal(signal));
    connection.handle('identity.keyPackagesLow', () => this.#quietly(this.#keyPackages.refill(connection.api.identity)));
    connection.handle('identity.devicesChanged', () => this.#quietly(this.devices.refresh()));
    this.#events.on('conversations.changed', ({ conversationId: id }) => {
      if (id !== null) this.#background(this.calls.handleConversationChanged(id));
    });
    this.calls.on('call.incoming', (call) => this.#events.emit('call.incoming', call));
    this.calls.on('call.changed', (call) => {
      this.#events.emit('call.changed', call);
      if (call.state === 'ended') this.#background(this.#conversationParts.noteCall(call));
    });
  }

  /** Work that nobody waits for: its failure is told as a problem, unless the client is closing or the server was not there. */
  readonly #background = (work: Promise<unknown>): void => {
    const watched = this.#quietly(work);
    this.#work.add(watched);
    void watched.then(() => this.#work.delete(watched));
  };
  async #quietly(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#closed.signal.aborted || isPassing(error)) return; // the next sync does it again
      const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#events.emit('problem', { code: 'background-work-failed', detail });
    }
  }

  #makeCalls(media: MediaEngine): CallManager {
    const { accountId, deviceId } = this.#record;
    return new CallManager({
      api: this.connection.api.calls,
      me: { accountId, deviceId },
      engine: media,
      // Signals carry times that the other side judges, and this device's own clock may be hours off.
      surroundings: { ...SURROUNDINGS, now: () => this.connection.serverNow() },
      conversation: (id) => this.conversations.get(id),
      hidesAddress: () => this.#settings.hidesAddressInCalls,
      report: ({ callId, code }) =>
        this.#events.emit('problem', { code: 'background-work-failed', detail: `call ${callId}: ${code}` }),
    });
  }

  async #learnOwn(chain: string, asked: number): Promise<void> {
    this.#chain = await this.people.learnChain(this.#record.accountId, chain, asked);
    await this.#saveRecord({ chain: toBase64url(this.#chain.bytes) });
  }

  async #saveRecord(patch: Partial<AccountRecord>, changes: readonly Change[] = []): Promise<void> {
    const next = { ...this.#record, ...patch };
    await this.#store.write([this.#accountRows.put(ACCOUNT_KEY, next), ...changes]);
    this.#record = next;
    this.#events.emit('account.changed', {});
  }

  #settingsSurface() {
    const read = () => this.#settings;
    const write = async (next: SettingsRecord) => {
      await this.#store.write([new Rows<SettingsRecord>(this.#store, 'setting').put(SETTINGS_KEY, next)]);
      this.#settings = next;
    };
    return {
      get sendsReadReceipts() {
        return read().sendsReadReceipts;
      },
      setSendsReadReceipts: (value: boolean) => write({ ...read(), sendsReadReceipts: value }),
      get hidesAddressInCalls() {
        return read().hidesAddressInCalls;
      },
      setHidesAddressInCalls: (value: boolean) => write({ ...read(), hidesAddressInCalls: value }),
    };
  }
}

const SURROUNDINGS: Omit<Surroundings, 'now'> = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
};
