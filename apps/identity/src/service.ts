import { identity } from '@rialto/contracts';
import { publicXwingSuite, ready } from '@rialto/crypto/server';
import { defineService } from '@rialto/service';
import { Accounts } from './accounts.ts';
import { Challenges } from './challenges.ts';
import { identityConfig } from './config.ts';
import { Devices } from './devices.ts';
import { Handles } from './handles.ts';
import { Housekeeping } from './housekeeping.ts';
import { KeyPackageClaims } from './key-package-claims.ts';
import { KeyPackages } from './key-packages.ts';
import { Sessions } from './sessions.ts';
import { AccountTable, DeviceTable } from './tables.ts';
import { Tokens } from './tokens.ts';

/** Accounts, handles, devices, sessions and key packages. Everything it stores can be checked by whoever reads it. */
export const identityService = defineService({
  contract: identity,
  config: identityConfig,
  entities: [AccountTable, DeviceTable],
  build: async ({ database, push, work }, config) => {
    await ready();
    const accounts = new Accounts(database);
    const handles = new Handles(database);
    const devices = new Devices({ database, push });
    const sessions = new Sessions({
      database,
      challenges: new Challenges(config.RIALTO_TOKEN_PRIVATE_KEY),
      tokens: new Tokens(config.RIALTO_TOKEN_PRIVATE_KEY),
      origins: config.RIALTO_ORIGINS,
    });
    const keyPackages = new KeyPackages({ database, suite: await publicXwingSuite() });
    const claims = new KeyPackageClaims({ database, push });
    await new Housekeeping({ database, work }).start();
    return {
      handlers: {
        createAccount: accounts.create,
        getAccount: accounts.get,
        setProfile: accounts.setProfile,
        getChain: accounts.getChain,
        checkHandle: handles.check,
        findHandle: accounts.findHandle,
        claimHandle: handles.claim,
        createChallenge: sessions.createChallenge,
        createSession: sessions.create,
        listDevices: devices.list,
        appendToChain: devices.append,
        listRevocations: devices.listRevocations,
        publishKeyPackages: keyPackages.publish,
        countKeyPackages: keyPackages.count,
        claimKeyPackages: claims.claim,
      },
    };
  },
});
