import { CONTRACTS, type Bound } from '@rialto/contracts';
import { natsAuthorization, PEERS, permissionsOf, subjectOf } from './subjects.ts';

const services = Object.values(CONTRACTS);
const operations = services.flatMap((service) => Object.values(service.operations) as Bound[]);

test('every operation can be called by somebody, and only by whom its contract names', () => {
  for (const operation of operations) {
    for (const peer of PEERS) {
      const isAllowed = permissionsOf(peer, services).publish.includes(subjectOf(peer, operation));
      const isNamed = operation.callers.includes(peer);
      const isForPeople = operation.callers.some((caller) => ['anyone', 'device', 'device-signed'].includes(caller));
      expect(isAllowed).toBe(isNamed || (peer === 'gateway' && isForPeople));
    }
  }
});

test('services ask each other for no more than they need', () => {
  const asksOf = (peer: (typeof PEERS)[number]) =>
    permissionsOf(peer, services).publish.filter(
      (subject) => subject.startsWith('rpc.') && !subject.endsWith('.listRevocations'),
    );
  expect(asksOf('identity')).toEqual([]);
  expect(asksOf('messaging')).toEqual(['rpc.messaging.identity.getChain']);
  expect(asksOf('calls')).toEqual(['rpc.calls.messaging.getReach']);
  expect(asksOf('payments')).toEqual(['rpc.payments.identity.getChain']);
});

test('no permission is a wildcard over services', () => {
  for (const peer of PEERS) {
    const { publish, subscribe } = permissionsOf(peer, services);
    for (const subject of publish) expect(subject).toMatch(/^(rpc\.\w+\.\w+\.\w+|push\.\w+\.\*|health\.\w+|hint\.revoked)$/);
    expect(subscribe.filter((subject) => subject.endsWith('>'))).toEqual([`_INBOX.${peer}.>`]);
  }
});

test('the configuration names every user with its lists', () => {
  const text = natsAuthorization({ calls: { nkey: 'UABC', ...permissionsOf('calls', services) } });
  expect(text).toContain('nkey: UABC');
  expect(text).toContain('"rpc.calls.messaging.getReach"');
  expect(text).toContain('allow_responses: { max: 1');
  expect(text).not.toContain('rpc.calls.payments');
});
