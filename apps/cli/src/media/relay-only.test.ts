import { heardCandidate, relayedCandidate, withCandidates } from './relay-only.ts';

const RELAYED = 'candidate:1 1 udp 16777215 192.0.2.9 50000 typ relay raddr 198.51.100.7 rport 41000 generation 0 ufrag abcd';
const HIDDEN = 'candidate:1 1 udp 16777215 192.0.2.9 50000 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag abcd';
const HOST = 'candidate:2 1 udp 2130706431 10.0.0.4 40000 typ host generation 0 ufrag abcd';
const REFLEXIVE = 'candidate:3 1 udp 1694498815 198.51.100.7 41000 typ srflx raddr 10.0.0.4 rport 40000';

test('a relayed candidate keeps all but the address behind the relay', () => {
  expect(relayedCandidate(RELAYED)).toBe(HIDDEN);
  expect(relayedCandidate(RELAYED.replace('198.51.100.7', '2001:db8::7'))).toBe(HIDDEN);
});

test.each([HOST, REFLEXIVE])('%s stays here', (candidate) => {
  expect(relayedCandidate(candidate)).toBeNull();
});

test('of a description only the candidates change', () => {
  const sdp = (...candidates: string[]) =>
    ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', ...candidates.map((each) => `a=${each}`), 'a=end-of-candidates', ''].join('\r\n');
  expect(withCandidates(sdp(HOST, RELAYED, REFLEXIVE), relayedCandidate)).toBe(sdp(HIDDEN));
});

test.each([
  ['10.0.0.4', true, true],
  ['2001:db8::7', true, true],
  ['0a1b-2c3d.local', true, false],
  ['somebody.example', false, false],
  ['somebody.example.local', false, false],
  ['0a1b.local.somebody.example', false, false],
])('%s as a place of the other side: open %p, behind a relay %p', (address, isOpen, isHidden) => {
  const candidate = HOST.replace('10.0.0.4', address);
  const used = [false, true].map((isRelayOnly) => heardCandidate(candidate, isRelayOnly));
  expect(used).toEqual([isOpen, isHidden].map((isUsed) => (isUsed ? candidate : null)));
});

test('what is no candidate is not used', () => {
  expect(heardCandidate('', false)).toBeNull();
});
