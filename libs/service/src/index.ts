export { Batcher, type BatcherOptions, type RunBatch } from './batcher.ts';
export { Database, inTransaction, openDatabase } from './database.ts';
export {
  EnvironmentError,
  KeyVariable,
  ListVariable,
  parseEnvironment,
  PortVariable,
  ProcessEnvironment,
  ServiceEnvironment,
} from './environment.ts';
export { asAppError, storageFailure } from './failure.ts';
export { logger, type Logger } from './log.ts';
export type { OperationMetrics } from './metrics.ts';
export { migrate, type MigratedService, type MigrateOptions } from './migrate.ts';
export { migrationsDirOf } from './migrations.ts';
export {
  type About,
  CALL_TIMEOUT_MS,
  errorOf,
  type Health,
  NatsClient,
  OK_PREFIX,
  type ReplyError,
  type Request,
  textOf,
} from './nats-client.ts';
export { connectNats, type NatsLink } from './nats-connection.ts';
export { type PeerKit, startPeer } from './peer.ts';
export { type Running, runProcess } from './process.ts';
export { Push, readPush } from './push.ts';
export type { RevokedDevice, Revocations } from './revocations.ts';
export {
  type Built,
  defineService,
  type Kit,
  nestLogger,
  runService,
  type RunningService,
  type ServiceDefinition,
  startService,
} from './service.ts';
export {
  idOf,
  inboxOf,
  natsAuthorization,
  PEERS,
  type Permissions,
  permissionsOf,
  pushSubjectOf,
  subjectOf,
} from './subjects.ts';
export { type Session, TOKEN_ALGORITHM, TOKEN_AUDIENCE, TokenClaims, Tokens } from './tokens.ts';
export { continueTrace, currentTrace, newRequestId, runInTrace, type Trace } from './trace.ts';
export { type WorkContext, type WorkItem, WorkQueue } from './work-queue.ts';
