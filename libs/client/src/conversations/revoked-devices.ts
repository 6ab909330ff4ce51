import { type Chain, currentDevices, type Group, type Intent } from '@rialto/crypto';

/** Devices of the own account that are in the group and not in its chain any more. The device at hand cannot take itself out. */
export function revokedDevices({ members }: Pick<Group, 'members'>, chain: Chain, atHand: string): string[] {
  const current = currentDevices(chain);
  return members
    .filter(({ account, device }) => account === chain.account && device !== atHand && !current.has(device))
    .map(({ device }) => device);
}

/**
 * The commit that takes them out, all at once. The roster's minimum rises with it: it says which entry of the chain revoked them, and
 * keeps an older chain from bringing them back. Undefined when there is nothing to do.
 */
export function removalOf(group: Pick<Group, 'members' | 'policy'>, chain: Chain, atHand: string): Intent | undefined {
  const devices = revokedDevices(group, chain, atHand);
  const own = group.policy.roster.find(({ account }) => account === chain.account);
  if (!own || devices.length === 0) return undefined;
  return {
    remove: devices.map((device) => ({ account: chain.account, device })),
    roster: { set: [{ account: own.account, role: own.role, minChainSeq: chain.heads.length - 1 }] },
    evidence: { chains: [chain] },
  };
}
