import { clockInHand } from '../../test/clock-in-hand.ts';
import { CANDIDATES_AGAIN_MS, OwnCandidates, PeerCandidates } from './candidates.ts';
import { MAX_CANDIDATES_PER_SIGNAL } from './sealed-signal.ts';

const named = (candidate: string) => ({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
const sdp = (session: string) => `v=0\r\na=ice-ufrag:${session}\r\na=ice-pwd:secret\r\n`;

/** What is said of candidates, the clock in the test's hand. */
function own() {
  const { surroundings, pass } = clockInHand();
  const said: string[][] = [];
  const candidates = new OwnCandidates(surroundings, (each) => said.push(each.map(({ candidate }) => candidate)));
  return { candidates, said, pass };
}

test('what was found together is said together, and all of it again while nothing flows', async () => {
  const { candidates, said, pass } = own();
  for (const each of ['a', 'b']) candidates.found(named(each));
  await pass(100);
  candidates.found(named('c'));
  await pass(100);
  expect(said).toEqual([['a', 'b'], ['c']]);
  await pass(CANDIDATES_AGAIN_MS);
  expect(said.slice(2)).toEqual([['a', 'b', 'c']]);
  await pass(100 * CANDIDATES_AGAIN_MS);
  // Each time is one more signal: nobody may be listening.
  expect(said).toHaveLength(6);
});

test('once packets flow nothing is said again, what is found late included', async () => {
  const { candidates, said, pass } = own();
  candidates.found(named('a'));
  await pass(100);
  candidates.connected();
  candidates.found(named('b'));
  await pass(100 * CANDIDATES_AGAIN_MS);
  expect(said).toEqual([['a'], ['b']]);
});

test('another ICE session begins without the candidates of the last one', async () => {
  const { candidates, said, pass } = own();
  candidates.found(named('a'));
  await pass(100);
  candidates.connected();
  candidates.forget();
  candidates.found(named('b'));
  await pass(100 + CANDIDATES_AGAIN_MS);
  expect(said).toEqual([['a'], ['b'], ['b']]);
  candidates.close();
  await pass(100 * CANDIDATES_AGAIN_MS);
  expect(said).toHaveLength(3);
});

test('more candidates than one signal holds are said in several', async () => {
  const { candidates, said, pass } = own();
  for (let i = 0; i < MAX_CANDIDATES_PER_SIGNAL + 1; i += 1) candidates.found(named(`${i}`));
  await pass(100);
  expect(said.map(({ length }) => length)).toEqual([MAX_CANDIDATES_PER_SIGNAL, 1]);
});

test('a candidate is used once, and not before its description', () => {
  const peer = new PeerCandidates();
  expect(peer.take([named('a'), named('b')])).toEqual([]);
  expect(peer.take([named('a')])).toEqual([]);
  expect(peer.described(sdp('one'))).toEqual([named('a'), named('b')]);
  expect(peer.take([named('a'), named('b'), named('c')])).toEqual([named('c')]);
  // A description of the same session, such as one that adds video, changes nothing.
  expect(peer.described(sdp('one'))).toEqual([]);
  expect(peer.take([named('c')])).toEqual([]);
  expect(peer.described(sdp('two'))).toEqual([]);
  expect(peer.take([named('a')])).toEqual([named('a')]);
});
