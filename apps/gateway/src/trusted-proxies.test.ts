import { clientAddress, isNetwork, trustedProxies } from './trusted-proxies.ts';

const isTrusted = trustedProxies(['172.16.0.0/12', '192.0.2.7', 'fd00::/8']);

test.each([
  ['203.0.113.1', '198.51.100.9', '203.0.113.1'], // no proxy of ours: what it says counts for nothing
  ['172.18.0.5', undefined, '172.18.0.5'],
  ['172.18.0.5', '198.51.100.9', '198.51.100.9'],
  ['::ffff:172.18.0.5', '198.51.100.9', '198.51.100.9'],
  ['fd00::2', '2001:db8::1', '2001:db8::1'],
  ['172.18.0.5', '203.0.113.66, 198.51.100.9, 192.0.2.7', '198.51.100.9'], // two proxies, and one address that the client made up
  ['172.18.0.5', 'unknown', '172.18.0.5'],
])('%s that forwards for %s is %s', (remote, forwarded, client) => {
  expect(clientAddress(remote, forwarded, isTrusted)).toBe(client);
});

test.each(['172.16.0.0/33', '172.16.0.0/', 'proxy', '', '1.2.3.4/8/8', 'fd00::/129'])('%s is no network', (text) => {
  expect(isNetwork(text)).toBe(false);
});
