import { BlockList, isIP } from 'node:net';

export type IsTrusted = (address: string) => boolean;

const WHOLE_ADDRESS_BITS = { 4: 32, 6: 128 } as const;

/** An address, or a network such as `172.16.0.0/12`; undefined when it is neither. */
function parseNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', length, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const most = version === 4 ? WHOLE_ADDRESS_BITS[4] : WHOLE_ADDRESS_BITS[6];
  const bits = length === undefined ? most : Number(length);
  return bits > most ? undefined : { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}
export const isNetwork = (text: string): boolean => parseNetwork(text) !== undefined;

/** Which peers are proxies of ours, whose X-Forwarded-For is believed. One rule for HTTP and for the socket. */
export function trustedProxies(networks: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network === undefined) throw new Error(`${text} is no network`);
    list.addSubnet(network.address, network.bits, network.family);
  }
  // An IPv4 address in IPv6's clothes is compared as IPv4.
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** Who really asks: behind proxies of ours the last address that is none of them; what stands before it anybody may have written. */
export function clientAddress(remote: string, forwarded: string | undefined, isTrusted: IsTrusted): string {
  const said = forwarded === undefined ? [] : forwarded.split(',').map((part) => part.trim());
  let address = remote;
  while (isTrusted(address)) {
    const next = said.pop();
    if (next === undefined || isIP(next) === 0) break;
    address = next;
  }
  return address;
}
