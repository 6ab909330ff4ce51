// A ledger that tells one client something else than it holds. The lie is told where the answer leaves the socket, so it goes through
// everything with which the SDK receives a true one.
import { type AccountId, idFrom, type Output, type payments, type TopUpId } from '@rialto/contracts';
import { randomBytes, signingKeyFromSeed, sign, toBase64url, utf8, type SigningKey } from '@rialto/crypto/server';
import { Socket } from '../src/transport/socket.ts';
import { eventually, type Someone, type World } from './world.ts';

type Operations = typeof payments.operations;
export type WalletAnswer = Output<Operations['getWallet']>;
export type Page = Output<Operations['getStatement']>;
type TransferAnswer = Output<Operations['transfer']>;
export interface Lies {
  getWallet?(honest: WalletAnswer): unknown;
  getStatement?(honest: Page, asked: { after: number }): unknown;
  transfer?(honest: TransferAnswer): unknown;
}
type Tell = (honest: unknown, input: unknown) => unknown;

/** The key with which the ledger of `world.ts` signs. */
const ledgerKey = (): SigningKey => signingKeyFromSeed(Buffer.alloc(32, 9));

const told = new Map<Socket, Lies>();
const owners = new Map<string, (socket: Socket) => void>();

/** Between one client and the real ledger. Nothing is pushed to it, so that it reads when a test says so. */
export class LyingLedger {
  readonly #someone: Someone;
  readonly #socket: Socket;

  private constructor(someone: Someone, socket: Socket) {
    this.#someone = someone;
    this.#socket = socket;
  }

  static async before(someone: Someone): Promise<LyingLedger> {
    if (!jest.isMockFunction(Socket.prototype.call)) intercept();
    someone.client.connection.handle('payments.transferPosted', async () => undefined);
    // Which socket is whose is told by a question that nobody else asks.
    const topUpId = idFrom<TopUpId>('top', randomBytes(16));
    const asked = new Promise<Socket>((resolve) => owners.set(topUpId, resolve));
    await expect(someone.client.wallet.topUpState(topUpId)).rejects.toMatchObject({ code: 'not-found' });
    return new LyingLedger(someone, await asked);
  }

  /** What the client hears from now on; an operation without a lie answers the truth. */
  tells(lies: Lies): void {
    told.set(this.#socket, lies);
  }
  /** From now on it answers as if nothing after this moment had happened. */
  async forgetsWhatComes(): Promise<void> {
    const { payments: api } = this.#someone.client.connection.api;
    const wallet = await api.getWallet({});
    const { seq, head } = await api.getStatement({ currency: 'EUR', after: 0 });
    this.tells({
      getWallet: () => wallet,
      getStatement: ({ entries }) => ({ entries: entries.filter((entry) => entry.seq <= seq), seq, head }),
    });
  }
}

function intercept(): void {
  const { call } = Socket.prototype;
  jest.spyOn(Socket.prototype, 'call').mockImplementation(async function (this: Socket, operation, input) {
    owners.get((input as { topUpId?: string }).topUpId ?? '')?.(this);
    const tell = (told.get(this) as Record<string, Tell> | undefined)?.[operation.replace('payments.', '')];
    const honest = await call.call(this, operation, input);
    return tell ? tell(honest, input) : honest;
  });
}

/** A receipt as the ledger signs it, with something else in it. */
export function receiptWith(honest: TransferAnswer, change: object, key = ledgerKey()): TransferAnswer {
  const bytes = utf8(JSON.stringify({ ...readReceipt(honest), ...change }));
  const signature = toBase64url(sign('receipt', bytes, key.privateKey));
  return { ...honest, receipt: { signed: toBase64url(bytes), signature } };
}
const readReceipt = ({ receipt }: TransferAnswer) =>
  JSON.parse(Buffer.from(receipt.signed, 'base64url').toString('utf8')) as object;

/** Ana has 20 euros, has verified that, and her ledger may lie; Ben may be paid. */
export async function rich(world: World) {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { wallet } = ana.client;
  const { checkoutUrl } = await wallet.topUp({ currency: 'EUR', amountMinor: 2_000n });
  await fetch(`${checkoutUrl}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  await eventually('the top-up', async () => (await euros(ana)) === 2_000n);
  const ledger = await LyingLedger.before(ana);
  const [me, him] = [ana, ben].map(({ client }) => client.account.accountId as AccountId) as [AccountId, AccountId];
  const pay = (amountMinor: bigint) => wallet.send({ to: him, amountMinor, currency: 'EUR' });
  return { ana, ben, me, him, ledger, pay };
}

/** What the client says it has, after it has read again. */
export async function euros({ client }: Someone): Promise<bigint> {
  const balances = await client.wallet.refresh();
  return balances.find(({ currency }) => currency === 'EUR')?.balanceMinor ?? -1n;
}
/** Each code with its detail once, in the order in which it came up. */
export const alarms = ({ problems }: Someone): string[] => [
  ...new Set(problems.map(({ code, detail = '' }) => `${code} ${detail}`)),
];
