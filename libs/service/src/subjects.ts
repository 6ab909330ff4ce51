import { isForPeople, type Bound, type BoundEvent, type Peer, type Service, type ServiceName } from '@rialto/contracts';

export const PEERS: readonly Peer[] = ['gateway', 'identity', 'messaging', 'calls', 'payments'];
/** Identity says here that a device was revoked; everybody else listens, and polls in case the hint was lost. */
export const REVOKED_SUBJECT = 'hint.revoked';
/** How long a service may take to answer: NATS forgets the right to respond after that. Longer than any call waits. */
const RESPONSE_RIGHT = '{ max: 1, expires: "35s" }';

/** The name of an operation or event everywhere: on the socket, in logs, metrics and documents. */
export const idOf = ({ service, name }: Pick<Bound | BoundEvent, 'service' | 'name'>): string => `${service}.${name}`;
export const subjectOf = (from: Peer, operation: Pick<Bound, 'service' | 'name'>): string => `rpc.${from}.${idOf(operation)}`;
/** Replies to a peer go only below this: NATS does not check where a reply points, so services do. */
export const inboxOf = (peer: Peer): string => `_INBOX.${peer}`;
/** The sender is part of the subject, so a stolen credential cannot push another service's events. */
export const pushSubjectOf = (from: ServiceName | '*', accountId: string): string => `push.${from}.${accountId}`;
export const healthSubjectOf = (service: ServiceName): string => `health.${service}`;

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The allow-list of one process, made from the contracts and nothing else. */
export function permissionsOf(peer: Peer, services: readonly Service[]): Permissions {
  const operations = services.flatMap((service) => Object.values(service.operations));
  const mayCall = (operation: Bound) =>
    operation.callers.includes(peer) || (peer === 'gateway' && isForPeople({ callers: operation.callers }));
  const calls = operations.filter(mayCall).map((operation) => subjectOf(peer, operation));
  if (peer === 'gateway') {
    return {
      publish: [...calls, ...services.map(({ name }) => healthSubjectOf(name))],
      subscribe: [`${inboxOf(peer)}.>`, 'push.*.*', REVOKED_SUBJECT],
    };
  }
  return {
    publish: [...calls, pushSubjectOf(peer, '*'), ...(peer === 'identity' ? [REVOKED_SUBJECT] : [])],
    subscribe: [`${inboxOf(peer)}.>`, `rpc.*.${peer}.*`, healthSubjectOf(peer), REVOKED_SUBJECT],
  };
}

/** The `authorization` block of nats-server's configuration. `nkey` is the public key of the process. */
export function natsAuthorization(users: Readonly<Partial<Record<Peer, { readonly nkey: string } & Permissions>>>): string {
  const lines = Object.entries(users).map(([peer, { nkey, publish, subscribe }]) => {
    const allowed = `publish: ${JSON.stringify(publish)}, subscribe: ${JSON.stringify(subscribe)}`;
    return `    { nkey: ${nkey}, permissions: { ${allowed}, allow_responses: ${RESPONSE_RIGHT} } } # ${peer}`;
  });
  return `authorization {\n  users = [\n${lines.join('\n')}\n  ]\n}\n`;
}
