import * as z from 'zod';
import { AccountId, ClaimId, DeviceId, KeyPackageRef } from './ids.ts';
import { MAX_CHAIN_BYTES, MAX_CHAIN_ENTRY_BYTES, MAX_KEY_PACKAGE_BYTES, MAX_KEY_PACKAGES_PER_CALL } from './limits.ts';
import { event, operation, service } from './operation.ts';
import { Bytes, DisplayName, Handle, Moment, Seq, SignedBody } from './values.ts';

/** What anybody signed in may know of an account. The chain proves itself against the id, so a reader verifies it instead of trusting. */
export const AccountView = z.object({
  accountId: AccountId,
  handle: Handle.nullable(),
  displayName: DisplayName.nullable(),
  chain: Bytes(MAX_CHAIN_BYTES),
});
export type AccountView = z.infer<typeof AccountView>;

/** What a device signs (purpose `session`) to open a session. `origin` is the server's own, as the device sees it. */
export const SessionRequest = z.strictObject({
  accountId: AccountId,
  deviceId: DeviceId,
  origin: z.url().max(200),
  nonce: z.string().max(200),
  at: Moment,
});
export type SessionRequest = z.infer<typeof SessionRequest>;

export const identity = service(
  'identity',
  {
    createAccount: operation({
      summary: 'Starts an account from the first entry of its device chain.',
      http: 'POST /v1/accounts',
      callers: ['anyone'],
      idempotentBy: 'accountId',
      input: z.object({ accountId: AccountId, chain: Bytes(MAX_CHAIN_BYTES) }),
      output: z.object({ accountId: AccountId, created: z.boolean() }),
      errors: ['chain-invalid'],
    }),
    getAccount: operation({
      summary: 'An account by its id, with its device chain.',
      http: 'GET /v1/accounts/:accountId',
      callers: ['device'],
      input: z.object({ accountId: AccountId }),
      output: AccountView,
      errors: [],
    }),
    setProfile: operation({
      summary: 'Sets the name that people see.',
      http: 'PUT /v1/profile',
      callers: ['device'],
      input: z.object({ displayName: DisplayName }),
      output: z.object({ displayName: DisplayName }),
      errors: [],
    }),
    checkHandle: operation({
      summary: 'Whether a handle can be claimed.',
      http: 'GET /v1/handles/:handle/availability',
      callers: ['anyone'],
      input: z.object({ handle: z.string().max(100) }),
      output: z.object({ available: z.boolean(), reason: z.enum(['taken', 'reserved', 'malformed']).nullable() }),
      errors: [],
    }),
    findHandle: operation({
      summary: 'The account behind a handle.',
      http: 'GET /v1/handles/:handle',
      callers: ['device'],
      input: z.object({ handle: Handle }),
      output: AccountView,
      errors: [],
    }),
    claimHandle: operation({
      summary: 'Gives the account its handle, for good.',
      http: 'POST /v1/handles',
      callers: ['device-signed'],
      signedAs: 'handle-claim',
      idempotentBy: 'handle',
      input: z.object({ accountId: AccountId, handle: Handle }),
      output: z.object({ handle: Handle }),
      errors: ['handle-taken', 'handle-reserved', 'account-has-handle'],
    }),
    createChallenge: operation({
      summary: 'A nonce to sign when opening a session. Works once, for one minute.',
      http: 'GET /v1/sessions/challenge',
      callers: ['anyone'],
      input: z.object({}),
      output: z.object({ nonce: z.string().max(200), expiresAt: Moment }),
      errors: [],
    }),
    createSession: operation({
      summary: 'Opens a session: `signed` is a SessionRequest, signed by the device key. The token lives five minutes.',
      http: 'POST /v1/sessions',
      callers: ['anyone'],
      idempotentBy: 'signature',
      input: SignedBody,
      output: z.object({ token: z.string().max(2_000), expiresAt: Moment }),
      errors: ['origin-refused'],
    }),
    listDevices: operation({
      summary: "The account's devices as its chain has them.",
      http: 'GET /v1/devices',
      callers: ['device'],
      input: z.object({}),
      output: z.object({
        chainSeq: Seq,
        devices: z.array(
          z.object({ deviceId: DeviceId, addedAt: Moment, lastSeenAt: Moment.nullable(), isCurrent: z.boolean() }),
        ),
      }),
      errors: [],
    }),
    appendToChain: operation({
      summary: 'Adds an entry to the device chain: a new device, or the removal of one.',
      http: 'POST /v1/devices/chain',
      callers: ['device-signed'],
      signedAs: 'chain-append',
      idempotentBy: 'entry',
      input: z.object({ accountId: AccountId, entry: Bytes(MAX_CHAIN_ENTRY_BYTES) }),
      output: z.object({ chainSeq: Seq }),
      errors: ['chain-invalid', 'chain-stale'],
    }),
    publishKeyPackages: operation({
      summary: 'Uploads single-use key packages of this device, and its last resort.',
      http: 'PUT /v1/key-packages',
      callers: ['device'],
      input: z.object({
        keyPackages: z.array(Bytes(MAX_KEY_PACKAGE_BYTES)).max(MAX_KEY_PACKAGES_PER_CALL),
        lastResort: Bytes(MAX_KEY_PACKAGE_BYTES).optional(),
      }),
      output: z.object({ available: z.int().min(0) }),
      errors: ['key-package-invalid'],
    }),
    countKeyPackages: operation({
      summary: 'How many single-use key packages of this device are left.',
      http: 'GET /v1/key-packages',
      callers: ['device'],
      input: z.object({}),
      output: z.object({ available: z.int().min(0), hasLastResort: z.boolean() }),
      errors: [],
    }),
    claimKeyPackages: operation({
      summary: 'Takes one key package of each device of an account. The same claim id gives the same packages for a day.',
      http: 'POST /v1/accounts/:accountId/key-packages/claims',
      callers: ['device'],
      idempotentBy: 'claimId',
      input: z.object({ accountId: AccountId, claimId: ClaimId }),
      output: z.object({
        chain: Bytes(MAX_CHAIN_BYTES),
        keyPackages: z.array(
          z.object({
            deviceId: DeviceId,
            ref: KeyPackageRef,
            keyPackage: Bytes(MAX_KEY_PACKAGE_BYTES),
            isLastResort: z.boolean(),
          }),
        ),
      }),
      errors: [],
    }),
    getChain: operation({
      summary: 'The device chain of an account, for services that verify signatures themselves.',
      callers: ['messaging', 'payments'],
      input: z.object({ accountId: AccountId }),
      output: z.object({ chain: Bytes(MAX_CHAIN_BYTES), chainSeq: Seq }),
      errors: [],
    }),
    listRevocations: operation({
      summary: 'Devices revoked within the life of a token: what every process polls so that a revoked token stops working.',
      callers: ['gateway', 'messaging', 'payments', 'calls'],
      input: z.object({}),
      output: z.object({ devices: z.array(z.object({ accountId: AccountId, deviceId: DeviceId })) }),
      errors: [],
    }),
  },
  {
    devicesChanged: event({
      summary: "The account's device chain has a new entry.",
      audience: 'account',
      payload: z.object({ accountId: AccountId, chainSeq: Seq }),
    }),
    keyPackagesLow: event({
      summary: 'This device should upload more key packages.',
      audience: 'device',
      payload: z.object({ deviceId: DeviceId, available: z.int().min(0) }),
    }),
  },
);
