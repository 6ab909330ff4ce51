/** The process that makes the load: a process of its own, so that its work is not counted and does not disturb whoever counts. */
import { MessageLoad } from './message-load.ts';
import type { Answer, Order } from './protocol.ts';

let load: MessageLoad | undefined;
const answer = (message: Answer): void => void process.send?.(message);
const fail = (reason: unknown): void =>
  answer({ failure: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason) });

async function follow(order: Order): Promise<void> {
  if (order.op === 'connect') {
    load = new MessageLoad(order, fail);
    await load.connect(order.port);
    answer({ connected: true });
  } else if (load !== undefined) answer({ report: await load.load(order) });
}
process.on('message', (order: Order) => void follow(order).catch(fail));
process.on('disconnect', () => process.exit());
