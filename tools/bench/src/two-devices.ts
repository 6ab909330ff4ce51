import {
  Chains,
  createKeyPackage,
  credentialFor,
  dmPolicy,
  Group,
  newDeviceId,
  newSigningKey,
  randomId,
  ready,
  startChain,
  type Step,
  xwingSuite,
} from '@rialto/crypto';

/** Two accounts with a device each, in one group of the X-Wing suite: `[creator, joiner]`. */
export async function twoDevices(): Promise<[Group, Group]> {
  await ready();
  const [ana, ben] = [await newDevice(), await newDevice()];
  const conversationId = randomId('cnv');
  const chainOfBen = ana.engine.chains.learn(ben.chain.bytes);
  ben.engine.chains.learn(ana.chain.bytes);
  const policy = dmPolicy(conversationId, [ana.chain.account, ben.chain.account]);
  const { group } = await Group.create(ana.engine, ana.keyPackage, policy);
  const evidence = { chains: [chainOfBen] };
  const { commit, welcome } = taken(await group.commit({ add: [ben.keyPackage.publicBytes], evidence }));
  taken(await group.receive(commit));
  if (welcome === undefined) throw new Error('a commit that adds has a welcome');
  const joined = await Group.join(ben.engine, ben.keyPackage, welcome, { conversationId });
  return [group, joined.group];
}

async function newDevice() {
  const engine = { suite: await xwingSuite(), chains: new Chains() };
  const [deviceKey, mlsKey] = [newSigningKey(), newSigningKey()];
  const device = newDeviceId();
  const chain = startChain({ device, deviceKey: deviceKey.publicKey, mlsKey: mlsKey.publicKey }, newSigningKey());
  engine.chains.learn(chain.bytes);
  const keyPackage = await createKeyPackage(engine, mlsKey, credentialFor(chain, device), { nowMs: Date.now() });
  return { engine, chain, keyPackage };
}

function taken<T>(step: Step<T>): T {
  step.settle();
  return step.result;
}
