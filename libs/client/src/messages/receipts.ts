import type { ClientMessageId } from '@rialto/contracts';
import type { Cell } from '../conversations/cell.ts';
import { MAX_RECEIPT_IDS } from './envelope.ts';
import type { Outbox } from './outbox.ts';

/** Messages that arrive together share a receipt. */
const GATHER_MS = 300;

/** Tells senders what has arrived. What is due lies in the conversation's record, so that no crash loses it; receipts get none themselves. */
export class Receipts {
  readonly #outbox: Outbox;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #sent: (cell: Cell) => void;

  constructor({ outbox, sent }: { readonly outbox: Outbox; readonly sent: (cell: Cell) => void }) {
    this.#outbox = outbox;
    this.#sent = sent;
  }

  /** Looks whether something is due and sends it a little later, with what comes until then. */
  gather(cell: Cell, background: (work: Promise<unknown>) => void): void {
    if (this.#timers.has(cell.id) || !isDue(cell)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(cell.id);
      background(this.#plan(cell));
    }, GATHER_MS);
    this.#timers.set(cell.id, timer);
  }

  /** Sends what is due without waiting for more. */
  async now(cell: Cell): Promise<void> {
    clearTimeout(this.#timers.get(cell.id));
    this.#timers.delete(cell.id);
    if (isDue(cell)) await this.#plan(cell);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #plan(cell: Cell): Promise<void> {
    await cell.run(async () => {
      while (isDue(cell)) {
        const { delivered, read } = cell.record.receiptsDue;
        const body = {
          type: 'receipt' as const,
          delivered: delivered.slice(0, MAX_RECEIPT_IDS) as ClientMessageId[],
          read: read.slice(0, MAX_RECEIPT_IDS) as ClientMessageId[],
        };
        const rest = { delivered: delivered.slice(MAX_RECEIPT_IDS), read: read.slice(MAX_RECEIPT_IDS) };
        await this.#outbox.plan(cell, { body, patch: { receiptsDue: rest } });
      }
    });
    this.#sent(cell);
  }
}

function isDue(cell: Cell): boolean {
  if (!cell.exists || cell.record.membership !== 'joined' || cell.record.standing !== 'accepted') return false;
  const { delivered, read } = cell.record.receiptsDue;
  return delivered.length + read.length > 0;
}
