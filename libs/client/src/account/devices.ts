import type { AccountId, DeviceId } from '@rialto/contracts';
import { type Chain, revokeDevice, toBase64url } from '@rialto/crypto';
import type { Devices, DeviceView } from '../sdk.ts';
import type { Api } from '../transport/api.ts';
import { splitChain } from './chain-entries.ts';

export interface DevicesPorts {
  readonly api: { readonly identity: Pick<Api['identity'], 'listDevices' | 'appendToChain' | 'getAccount'> };
  readonly me: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly deviceKey: Uint8Array;
  ownChain(): Chain;
  /** Verifies and keeps the account's own newer chain. `asked`: how many entries were known when it was asked for. */
  learnOwn(chain: string, asked: number): Promise<void>;
  /** Takes devices that the chain no longer holds out of the conversations. */
  removeEverywhere(): Promise<void>;
}

/** The devices of the account. */
export class DeviceList implements Devices {
  readonly #ports: DevicesPorts;
  constructor(ports: DevicesPorts) {
    this.#ports = ports;
  }

  async list(): Promise<DeviceView[]> {
    return (await this.#ports.api.identity.listDevices({})).devices;
  }

  /** Signs the removal into the chain, then ends the device's part in every conversation: the server cannot undo either. */
  async revoke(deviceId: string): Promise<void> {
    const { api, me, deviceKey, ownChain } = this.#ports;
    const next = revokeDevice(ownChain(), deviceId, { device: me.deviceId, privateKey: deviceKey });
    const entry = splitChain(next.bytes).at(-1);
    if (!entry) throw new Error('a chain without entries');
    await api.identity.appendToChain({ accountId: me.accountId, entry: toBase64url(entry) });
    await this.#ports.learnOwn(toBase64url(next.bytes), next.heads.length);
    await this.#ports.removeEverywhere();
  }

  /** The chain has a new entry, says a push: it is fetched and verified. */
  async refresh(): Promise<void> {
    const { api, me, ownChain, learnOwn, removeEverywhere } = this.#ports;
    const asked = ownChain().heads.length;
    await learnOwn((await api.identity.getAccount({ accountId: me.accountId })).chain, asked);
    await removeEverywhere();
  }
}
