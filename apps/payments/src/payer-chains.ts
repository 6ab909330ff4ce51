import { AppError, type AccountId, type DeviceId } from '@rialto/contracts';
import { type Chain, compareChains, currentDevices, readChain } from '@rialto/crypto/server';
import { BoundedMap } from './bounded-map.ts';

/** How long a chain counts as the newest one: as long as a revocation may take to be obeyed anyway. */
const CHAIN_FRESH_MS = 5_000;
const MAX_CHAINS = 20_000;

interface Known {
  readonly text: string;
  readonly chain: Chain;
  readonly checkedAtMs: number;
}
export type GetChain = (accountId: AccountId) => Promise<{ chain: string; chainSeq: number }>;

/**
 * The device chains of payers, verified here, entry by entry: that a token names a device is the word of identity, that its account certified
 * the device is not. Verifying costs a signature for each entry, so a chain that has not changed is not verified again.
 */
export class PayerChains {
  readonly #known = new BoundedMap<AccountId, Known>(MAX_CHAINS);
  readonly #getChain: GetChain;

  constructor(getChain: GetChain) {
    this.#getChain = getChain;
  }

  /**
   * The key of a device that is in the account's chain now. Throws `chain-stale` when `chainSeq` is not the newest, `device-revoked` when the
   * device is not (or no longer) in it.
   */
  async deviceKey({
    accountId,
    deviceId,
    chainSeq,
  }: {
    accountId: AccountId;
    deviceId: DeviceId;
    chainSeq: number;
  }): Promise<Uint8Array> {
    const { chain } = await this.#newest(accountId, chainSeq);
    if (chain.heads.length - 1 !== chainSeq) throw new AppError('chain-stale', { chainSeq: chain.heads.length - 1 });
    const device = currentDevices(chain).get(deviceId);
    if (!device) throw new AppError('device-revoked');
    return device.deviceKey;
  }

  /** Throws `not-found` for an id behind which there is no account. Accounts never vanish, so an old answer will do. */
  async mustExist(accountId: AccountId): Promise<void> {
    if (this.#known.get(accountId) === undefined) await this.#fetch(accountId);
  }

  async #newest(accountId: AccountId, chainSeq: number): Promise<Known> {
    const known = this.#known.get(accountId);
    const isFresh = known !== undefined && performance.now() - known.checkedAtMs < CHAIN_FRESH_MS;
    return isFresh && known.chain.heads.length - 1 >= chainSeq ? known : this.#fetch(accountId);
  }

  async #fetch(accountId: AccountId): Promise<Known> {
    const checkedAtMs = performance.now(); // The answer may be as old as the question.
    const { chain: text } = await this.#getChain(accountId);
    const known = this.#known.get(accountId);
    const newest = known?.text === text ? { ...known, checkedAtMs } : { ...newerOf(known, text), checkedAtMs };
    if (newest.chain.account !== accountId) throw new Error('identity answered with the chain of another account');
    this.#known.set(accountId, newest);
    return newest;
  }
}

/** A chain that is shorter than one that was seen, or forks from it, brings no revoked device back, whoever tells it. */
function newerOf(known: Known | undefined, text: string): Pick<Known, 'text' | 'chain'> {
  const offered = readChain(new Uint8Array(Buffer.from(text, 'base64url')));
  if (known === undefined) return { text, chain: offered };
  const { chain } = compareChains(known.chain, offered);
  return chain === offered ? { text, chain } : known;
}
