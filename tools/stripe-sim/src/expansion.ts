import { presentBalanceTransaction } from './balance-transactions.ts';
import { invalidRequest } from './errors.ts';
import { listAnswer, type Simulation } from './simulation.ts';
import type { Kind } from './wire.ts';

/** Which member of which object may be answered whole, and what it is. `source` of a statement line is told by its id. */
const expandableMembers: Record<string, Record<string, Kind | 'line_items' | 'source'>> = {
  'checkout.session': { customer: 'customer', payment_intent: 'payment_intent', line_items: 'line_items' },
  payment_intent: { customer: 'customer', latest_charge: 'charge' },
  charge: { balance_transaction: 'balance_transaction', customer: 'customer', payment_intent: 'payment_intent' },
  refund: { balance_transaction: 'balance_transaction', charge: 'charge', payment_intent: 'payment_intent' },
  balance_transaction: { source: 'source' },
};

const deepest = 4;

type Answer = Record<string, unknown>;

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Answers members whole that are otherwise ids: `expand: ['payment_intent.latest_charge']`, and under `data.` in lists.
 * @throws {StripeProblem} for a member that cannot be expanded.
 */
export function expand(simulation: Simulation, answer: object, paths: readonly string[]): object {
  return paths.reduce<unknown>((current, path) => {
    const parts = path.split('.');
    if (parts.length > deepest)
      throw invalidRequest(`You cannot expand more than ${deepest} levels of a property.`, { param: 'expand' }, false);
    return expandPath(simulation, current, parts, path);
  }, answer) as object;
}

function expandPath(simulation: Simulation, value: unknown, parts: readonly string[], path: string): unknown {
  const [part, ...rest] = parts;
  if (part === undefined || !isAnswer(value)) return value;
  if (value['object'] === 'list' && part === 'data' && Array.isArray(value['data'])) {
    return { ...value, data: value['data'].map((entry: unknown) => expandPath(simulation, entry, rest, path)) };
  }
  const kind = expandableMembers[String(value['object'])]?.[part];
  if (kind === undefined) throw invalidRequest(`This property cannot be expanded (${path}).`, { param: 'expand' }, false);
  return { ...value, [part]: expandPath(simulation, whole(simulation, value, part, kind), rest, path) };
}

function whole(simulation: Simulation, holder: Answer, part: string, kind: Kind | 'line_items' | 'source'): unknown {
  if (kind === 'line_items') {
    const id = String(holder['id']);
    const items = simulation.store.get('checkout.session.backing', id)?.lineItems ?? [];
    return listAnswer(`/v1/checkout/sessions/${id}/line_items`, { data: items.slice(0, 10), hasMore: items.length > 10 });
  }
  const id = holder[part];
  if (typeof id !== 'string') return id;
  if (kind === 'source') return simulation.store.get(id.startsWith('re_') ? 'refund' : 'charge', id);
  if (kind === 'balance_transaction') {
    const line = simulation.store.get(kind, id);
    return line && presentBalanceTransaction(simulation, line);
  }
  return simulation.store.get(kind, id);
}
