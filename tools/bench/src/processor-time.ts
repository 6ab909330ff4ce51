import { readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second on every Linux of today (`getconf CLK_TCK`). */
const MS_A_TICK = 10;
const MAX_ATTEMPTS = 20;
/** Fields of `/proc/<pid>/stat` after the name, from 0 (proc_pid_stat(5)): user and kernel time, and the same of children that ended. */
const USER_TIME = 11;
const KERNEL_TIME = 12;
const ENDED_USER_TIME = 13;
const ENDED_KERNEL_TIME = 14;

export type ProcessGroups = Readonly<Record<string, readonly number[]>>;
export type ProcessorTimes = Readonly<Record<string, number>>;

/** Processor time in ms of this process's children that have ended. */
export const timeOfEnded = (): number => ticks(process.pid, [ENDED_USER_TIME, ENDED_KERNEL_TIME]) * MS_A_TICK;

/** Processor time in ms that each group has used so far, with all children of its processes, also of those that have ended. */
export const processorTimes = (groups: ProcessGroups): ProcessorTimes =>
  Object.fromEntries(Object.entries(groups).map(([name, pids]) => [name, sum(pids.map(timeOfGrowingTree))]));

export const spentBetween = (before: ProcessorTimes, after: ProcessorTimes): ProcessorTimes =>
  Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]));

export const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** A child that ends meanwhile is looked for again among the ended ones. */
function timeOfGrowingTree(pid: number): number {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return timeOfTree(pid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function timeOfTree(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  const ended = ticks(pid, [ENDED_USER_TIME, ENDED_KERNEL_TIME]);
  return (ticks(pid, [USER_TIME, KERNEL_TIME]) + ended) * MS_A_TICK + sum(children.map(timeOfTree));
}

function ticks(pid: number, fields: readonly number[]): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return sum(fields.map((field) => Number(afterName[field])));
}
