import { messagePairs, sealedPairs } from '../src/message-pairs.ts';
import { InsertControl, type InsertRate } from '../src/insert-control.ts';
import { LoadProcess } from '../src/load/load-process.ts';
import type { LoadReport } from '../src/load/protocol.ts';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';
import { MeasuredSystem } from '../src/measured-system.ts';
import { sum } from '../src/processor-time.ts';

const PAIRS = 100;
const MESSAGE_BYTES = 1_024;
const ROUNDS = 3;
const CONTROL_SECONDS = 4;
const FIRST_WARM_UP_MS = 4_000;
const WARM_UP_MS = 1_000;
const MEASURE_MS = 5_000;
const MS_A_SECOND = 1_000;
const CONTROL = 'pgbench INSERT of a 1 KiB row, 32 clients, prepared';
const OUTSTANDING: Readonly<Record<string, number>> = { 'messages-durable-100': 100, 'messages-durable-400': 400 };

/** Socket → gateway → NATS → messaging → commit → push → socket, one process of each kind, all on the same cores as the load. */
export default {
  measures: {
    'messages-durable-100': 'messages/s of 1 KiB between 100 pairs, 100 outstanding; with p99 and processor time a message',
    'messages-durable-400': 'the same with 400 outstanding',
  },
  async run(wanted, say) {
    const measured = await MeasuredSystem.start(say);
    const load = new LoadProcess();
    try {
      return await measureAll({ measured, load, say }, [...wanted]);
    } finally {
      load.stop();
      await measured.stop();
    }
  },
} satisfies MeasureFile;

interface Parts {
  readonly measured: MeasuredSystem;
  readonly load: LoadProcess;
  readonly say: Say;
}

async function measureAll({ measured, load, say }: Parts, names: readonly string[]): Promise<Result[]> {
  const server = measured.processes['postgres'] ?? [];
  const control = new InsertControl({ url: measured.system.state.postgresUrl, server, bodyBytes: MESSAGE_BYTES });
  await control.prepare();
  say(`${PAIRS} pairs register, open conversations and seal messages …`);
  const dms = await messagePairs(measured.system, PAIRS);
  const pairs = await sealedPairs(dms, MESSAGE_BYTES);
  await load.connect({ port: measured.port, pairs, processes: measured.processes });
  let sent = (await load.load({ outstanding: 400, warmUpMs: FIRST_WARM_UP_MS, measureMs: 1 })).everything;
  const controls: InsertRate[] = [];
  const reports = new Map<string, LoadReport[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= ROUNDS; round += 1) {
    const { rowsPerSecond, processorMsARow } = await control.measure(CONTROL_SECONDS);
    controls.push({ rowsPerSecond, processorMsARow });
    say(`round ${round} of ${ROUNDS}: INSERT ${Math.round(rowsPerSecond)}/s, processor ms a row ${processorMsARow.toFixed(3)}`);
    for (const name of names) {
      const report = await load.load({ outstanding: OUTSTANDING[name] ?? 0, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS });
      sent += report.everything;
      reports.get(name)?.push(report);
      say(`  ${name}: ${lineOf(report)}`);
    }
  }
  await mustAllBeStored(measured, sent);
  return names.flatMap((name) => resultsOf(name, reports.get(name) ?? [], controls));
}

const perSecond = ({ messages, tookMs }: LoadReport): number => (messages / tookMs) * MS_A_SECOND;
const msAMessage = ({ messages, processorMs }: LoadReport): number => sum(Object.values(processorMs)) / messages;

function lineOf(report: LoadReport): string {
  const parts = Object.entries(report.processorMs).map(([name, ms]) => `${name} ${(ms / report.messages).toFixed(3)}`);
  const latency = `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms`;
  return `${Math.round(perSecond(report))}/s, ${latency}, processor ms a message ${msAMessage(report).toFixed(3)} (${parts.join(', ')})`;
}

function resultsOf(measure: string, reports: readonly LoadReport[], controls: readonly InsertRate[]): Result[] {
  const controlValue = rounded(median(controls.map(({ rowsPerSecond }) => rowsPerSecond)), 0);
  const suffix = measure.slice(measure.lastIndexOf('-'));
  const value = rounded(median(reports.map(perSecond)), 0);
  const alone = { control: null, controlValue: null, ratio: null };
  const [cpu, cpuControl] = [median(reports.map(msAMessage)), median(controls.map(({ processorMsARow }) => processorMsARow))];
  return [
    { measure, value, unit: 'messages/s', control: CONTROL, controlValue, ratio: rounded(value / controlValue, 2) },
    { measure: `messages-p99${suffix}`, value: rounded(median(reports.map(({ p99Ms }) => p99Ms)), 1), unit: 'ms', ...alone },
    {
      measure: `messages-cpu${suffix}`,
      value: rounded(cpu, 3),
      unit: 'ms a message',
      control: CONTROL,
      controlValue: rounded(cpuControl, 3),
      ratio: rounded(cpu / cpuControl, 2),
    },
  ];
}

/** A figure for messages that are not there would be worth nothing. */
async function mustAllBeStored({ system }: MeasuredSystem, sent: number): Promise<void> {
  const { rows } = await system.admin.query<{ stored: number; counted: number }>(
    `select (select count(*)::integer from messaging.message where not is_commit) as stored,
            (select sum(last_seq - 1)::integer from messaging.conversation) as counted`,
  );
  const { stored, counted } = rows[0] ?? { stored: 0, counted: 0 };
  if (stored !== sent || counted !== sent)
    throw new Error(`${sent} messages were acknowledged, ${stored} are stored, ${counted} counted`);
}
