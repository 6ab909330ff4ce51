import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Bound } from '@rialto/contracts';
import { idOf } from './subjects.ts';

const MS_A_SECOND = 1_000;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Operations that are refused at the door never reach the service, so the labels stay few: operations × codes. */
export type Outcome = string;

/** How long operations take and how they end. */
export class OperationMetrics {
  readonly registry = new Registry();
  readonly #seconds: Histogram<'operation' | 'outcome'>;
  readonly #children = new Map<string, { observe(seconds: number): void }>();

  constructor() {
    const labelNames = ['operation', 'outcome'] as const;
    const name = 'rialto_operation_seconds';
    const help = 'Time from the arrival of a request to its answer.';
    this.#seconds = new Histogram({ name, help, labelNames, buckets: SECONDS, registers: [this.registry] });
  }

  observe(operation: Pick<Bound, 'service' | 'name'>, outcome: Outcome, tookMs: number): void {
    const key = `${operation.service}.${operation.name} ${outcome}`;
    let child = this.#children.get(key);
    if (child === undefined) {
      child = this.#seconds.labels(idOf(operation), outcome);
      this.#children.set(key, child);
    }
    child.observe(tookMs / MS_A_SECOND);
  }

  /** A number that is read when somebody scrapes. */
  gauge(name: string, help: string, read: () => number): void {
    const collect = function (this: Gauge) {
      this.set(read());
    };
    this.registry.registerMetric(new Gauge({ name, help, registers: [], collect }));
  }

  /** Serves `GET /metrics` on loopback, with the process's own figures. */
  async listen(port: number): Promise<Server> {
    collectDefaultMetrics({ register: this.registry });
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      this.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': this.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    return server;
  }
}
