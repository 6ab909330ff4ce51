export { Call } from './calls/call.ts';
export { CallManager } from './calls/calls.ts';
export type { CallState, CallSurface, CallsSurface } from './call-view.ts';
export * from './calls/media-engine.ts';
export type { Client } from './client.ts';
export { CLIENT_ERRORS, ClientError, type ClientErrorCode } from './client-error.ts';
export { type ClientEvents, Emitter, type EventName } from './events.ts';
export { MAX_EMOJI_CHARS, MAX_MEMO_CHARS, MAX_TEXT_CHARS } from './messages/envelope.ts';
export { MemoryStore } from './memory-store.ts';
export { type OpenRequest, Rialto } from './rialto.ts';
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
export { type Api, createApi, type Send } from './transport/api.ts';
export { sendOverHttp } from './transport/http.ts';
export { waitOf } from './transport/problem.ts';
export type * from './views.ts';
