import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, LoadReport, Order } from './protocol.ts';

/** The other end of `main.ts`: one order at a time. */
export class LoadProcess {
  readonly #child: ChildProcess = fork(new URL('main.ts', import.meta.url), { serialization: 'advanced' });

  async connect(order: Omit<Extract<Order, { op: 'connect' }>, 'op'>): Promise<void> {
    await this.#ask({ op: 'connect', ...order });
  }
  async load(order: Omit<Extract<Order, { op: 'load' }>, 'op'>): Promise<LoadReport> {
    const answer = await this.#ask({ op: 'load', ...order });
    if (!('report' in answer)) throw new Error('the load ended without a report');
    return answer.report;
  }
  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const onExit = (code: number | null) => reject(new Error(`the load process ended (${code})`));
      child.once('exit', onExit);
      child.once('message', (answer: Answer) => {
        child.off('exit', onExit);
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer);
      });
      child.send(order);
    });
  }
}
