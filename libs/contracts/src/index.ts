import { calls } from './calls.ts';
import { identity } from './identity.ts';
import { messaging } from './messaging.ts';
import { payments } from './payments.ts';

export { AppError, COMMON_ERRORS, ERRORS, isErrorCode, type ErrorCode } from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export { asyncApi, openApi } from './openapi.ts';
export * from './operation.ts';
export * from './signed.ts';
export * from './socket.ts';
export * from './values.ts';
export { AccountView, identity, SessionRequest } from './identity.ts';
export { ConversationView, LogRow, messaging, Standing } from './messaging.ts';
export { CurrencyView, payments, Receipt, StatementEntry, TopUpView, TransferIntent, WalletAccount } from './payments.ts';
export { CallMedia, calls, CallView, EndReason } from './calls.ts';

/** Every service by its name: what gateway, SDK, permissions and documents are made from. */
export const CONTRACTS = { identity, messaging, calls, payments } as const;
