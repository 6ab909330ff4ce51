import { closeAgents } from '../../../apps/e2e/src/http.ts';
import { intentOf, topUp } from '../../../apps/e2e/src/money.ts';
import { Person } from '../../../apps/e2e/src/person.ts';
import { inLanes } from '../src/lanes.ts';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';
import { MeasuredSystem } from '../src/measured-system.ts';
import { Pgbench } from '../src/pgbench.ts';
import { postRequest, RawHttp } from '../src/raw-http.ts';
import { settle } from '../src/settle.ts';

const CALLERS = 32;
const FUNDS_MINOR = 10_000n;
const ROUNDS = 3;
const CONTROL_SECONDS = 4;
/** Some four seconds, as the control. */
const TRANSFERS_A_CALLER = 250;
const WARM_UP_A_CALLER = 250;
const MS_A_SECOND = 1_000;
const PATH = '/v1/transfers';
const CONTROL = 'pgbench TPC-B, scale 10, 32 clients, prepared';

/** HTTP → gateway → NATS → payments → commit → receipt: token and signature are verified, the receipt is signed. */
export default {
  measures: { 'transfers-http-32': 'transfers/s from 32 callers over HTTP, everything verified and signed' },
  async run(_wanted, say) {
    const measured = await MeasuredSystem.start(say);
    try {
      return [await measureAll(measured, say)];
    } finally {
      closeAgents();
      await measured.stop();
    }
  },
} satisfies MeasureFile;

async function measureAll({ system, port }: MeasuredSystem, say: Say): Promise<Result> {
  const url = new URL(system.state.postgresUrl);
  await system.admin.query('create database bench_tpcb');
  url.pathname = '/bench_tpcb';
  const pgbench = new Pgbench(url.href);
  await pgbench.prepare();
  say(`${CALLERS} people register and top up …`);
  const people = await inLanes(CALLERS, async (index) => {
    const person = await Person.register(system, `p${index}`);
    await topUp(person, FUNDS_MINOR);
    return person;
  });
  await run(people, port, WARM_UP_A_CALLER);
  const [controls, values]: [number[], number[]] = [[], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await settle(url.href);
    controls.push(await pgbench.measure(CONTROL_SECONDS));
    await settle(url.href);
    values.push(await run(people, port, TRANSFERS_A_CALLER));
    say(`round ${round} of ${ROUNDS}: TPC-B ${controls.at(-1)?.toFixed(0)}/s, transfers ${values.at(-1)?.toFixed(0)}/s`);
  }
  const [value, controlValue] = [rounded(median(values), 0), rounded(median(controls), 0)];
  const ratio = rounded(value / controlValue, 2);
  return { measure: 'transfers-http-32', value, unit: 'transfers/s', control: CONTROL, controlValue, ratio };
}

/** Transfers a second when each caller sends its next one as soon as the last is answered. Intents are signed before: clients do that. */
async function run(people: readonly Person[], port: number, each: number): Promise<number> {
  const requests = people.map((person, index) => {
    const others = people.filter((_, other) => other !== index);
    const requestTo = (count: number) => requestOf(person, others[(count * 7) % others.length] ?? person, port);
    return Array.from({ length: each }, (_, count) => requestTo(count));
  });
  const connections = await inLanes(people.length, () => RawHttp.open(port));
  const began = performance.now();
  await Promise.all(connections.map((connection, index) => sendAll(connection, requests[index] ?? [])));
  const tookMs = performance.now() - began;
  for (const connection of connections) connection.close();
  return ((people.length * each) / tookMs) * MS_A_SECOND;
}

function requestOf(from: Person, to: Person, port: number): Buffer {
  const body = from.first.signedBody('transfer-intent', intentOf(from, to, 1n));
  return postRequest(PATH, { port, token: from.first.token, body });
}

async function sendAll(connection: RawHttp, requests: readonly Buffer[]): Promise<void> {
  for (const request of requests) await connection.send(request);
}
