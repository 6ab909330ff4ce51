import { type Engine, Group, type GroupSave, GroupStateError, type Step } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import { Rows } from '../rows.ts';
import { Lanes } from '../single-flight.ts';
import { type Change, type Store, StoreConflict } from '../store.ts';
import type { ConversationRecord } from './conversation-record.ts';

export interface CellPorts {
  readonly store: Store;
  readonly engine: Engine;
}
/** What one write changes: the record, other rows, and the step of the group that it makes durable. */
export interface CellWrite {
  readonly patch?: Partial<ConversationRecord>;
  readonly changes?: readonly Change[];
  readonly step?: Pick<Step<unknown>, 'save' | 'settle' | 'abandon'>;
}

/** The step of a write that gives the group up and keeps the record. */
export const LEAVE_GROUP: NonNullable<CellWrite['step']> = {
  save: undefined,
  settle: () => undefined,
  abandon: () => undefined,
};

/**
 * One conversation's state: its record and its MLS group, changed by one piece of work at a time and always in one transaction. When
 * a write fails in a way that leaves its outcome open, what is in memory is dropped and read again, because a ratchet that went back
 * would use its keys twice.
 */
export class Cell {
  readonly id: string;
  readonly #ports: CellPorts;
  readonly #rows: Rows<ConversationRecord>;
  readonly #lanes = new Lanes();
  #record: ConversationRecord | undefined;
  #group: Group | undefined;
  #isStale = true;
  #chainNeededAt = 0;

  constructor(id: string, ports: CellPorts) {
    this.id = id;
    this.#ports = ports;
    this.#rows = new Rows(ports.store, 'conversation');
  }

  /** The record as last written. Throws `ClientError('no-such-conversation')`. */
  get record(): ConversationRecord {
    if (!this.#record) throw new ClientError('no-such-conversation');
    return this.#record;
  }
  get exists(): boolean {
    return this.#record !== undefined;
  }
  /** The group; only inside `run`. Throws `ClientError('needs-repair')` when this device has none. */
  get group(): Group {
    if (!this.#group) throw new ClientError('needs-repair');
    return this.#group;
  }
  get hasGroup(): boolean {
    return this.#group !== undefined;
  }

  /**
   * The next row of the log changes the group by a chain that is not here yet. Who is in it from then on is not known, and somebody may be
   * in it no longer, so nothing is sealed for it as it was.
   */
  get awaitsChain(): boolean {
    return this.#record !== undefined && this.#record.cursor < this.#chainNeededAt;
  }
  needChainAt(seq: number): void {
    this.#chainNeededAt = seq;
  }

  /** Runs work that changes this conversation, one at a time. Not to be called from within itself. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#lanes.run('', async () => {
      await this.load();
      return work();
    });
  }

  async load(): Promise<void> {
    if (!this.#isStale) return;
    const record = await this.#rows.get(this.id);
    this.#group = await this.#loadGroup();
    // Without its group a device can read nothing, and only the pin brings it back; the next write keeps that.
    const isDamaged = record?.membership === 'joined' && !this.#group;
    this.#record = isDamaged ? { ...record, membership: 'broken' } : record;
    this.#isStale = false;
  }

  /** Writes everything in one transaction and only then lets the step take effect. Only inside `run`. */
  async write({ patch = {}, changes = [], step }: CellWrite): Promise<void> {
    const next = { ...this.record, ...patch };
    await this.#commit([this.#rows.put(this.id, next), ...groupChanges(this.id, step), ...changes], step);
    this.#record = next;
    if (step && !step.save) this.#group = undefined;
  }

  /** Begins the record, with a group that was just entered if there is one. Only inside `run`. */
  async begin(
    record: ConversationRecord,
    entered?: { group: Group; save: GroupSave },
    changes: readonly Change[] = [],
  ): Promise<void> {
    const saved = entered ? groupChanges(this.id, entered) : [];
    await this.#commit([this.#rows.put(this.id, record), ...saved, ...changes]);
    this.#record = record;
    if (entered) this.#group = entered.group;
  }

  /** Forgets the conversation and its group: ours lost against one that exists already. Only inside `run`. */
  async forget(changes: readonly Change[]): Promise<void> {
    await this.#commit([this.#rows.delete(this.id), ...groupDeletion(this.id), ...changes]);
    this.#record = undefined;
    this.#group = undefined;
  }

  async #commit(changes: readonly Change[], step?: CellWrite['step']): Promise<void> {
    try {
      await this.#ports.store.write(changes);
    } catch (error) {
      step?.abandon();
      if (!(error instanceof StoreConflict)) this.#isStale = true;
      throw error;
    }
    step?.settle();
  }

  /** Undefined also for parts that do not belong together, which nobody can use. */
  async #loadGroup(): Promise<Group | undefined> {
    const [state, tree] = await Promise.all([
      this.#ports.store.read('group', `${this.id}/state`),
      this.#ports.store.read('group', `${this.id}/tree`),
    ]);
    if (!state || !tree) return undefined;
    try {
      return Group.load(this.#ports.engine, { state, tree });
    } catch (error) {
      if (!(error instanceof GroupStateError)) throw error;
      return undefined;
    }
  }
}

/** The tree comes only when it changed; both parts of one save are written together. */
function groupChanges(id: string, step: { readonly save: GroupSave | undefined } | undefined): Change[] {
  if (!step) return [];
  if (!step.save) return groupDeletion(id);
  const { state, tree } = step.save;
  const changes: Change[] = [{ kind: 'put', table: 'group', key: `${id}/state`, value: state }];
  if (tree) changes.push({ kind: 'put', table: 'group', key: `${id}/tree`, value: tree.bytes });
  return changes;
}

const groupDeletion = (id: string): Change[] =>
  ['state', 'tree'].map((part) => ({ kind: 'delete', table: 'group', key: `${id}/${part}` }));
