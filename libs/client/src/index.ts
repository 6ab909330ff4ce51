export type { CallsSurface, CallState, CallSurface } from './call-view.ts';
export { CLIENT_ERRORS, ClientError, type ClientErrorCode } from './client-error.ts';
export { type ClientEvents, Emitter, type EventName } from './events.ts';
export type {
  Conversation,
  Conversations,
  Devices,
  DeviceView,
  HandleAvailability,
  People,
  RialtoClient,
  Settings,
  Wallet,
} from './sdk.ts';
export { type Change, type Range, type Store, StoreConflict, type StoredRow, type Table, TABLES } from './store.ts';
export type * from './views.ts';
