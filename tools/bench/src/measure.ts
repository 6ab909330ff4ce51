/** One line of the result. A measure without a control has `control` null, and then neither value nor ratio of it. */
export interface Result {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  readonly control: string | null;
  readonly controlValue: number | null;
  readonly ratio: number | null;
}

/** For people: goes to standard error. */
export type Say = (line: string) => void;

/**
 * The default export of a file in `measures/`: the measures that share a set-up. `run` gets those of its names that are wanted and
 * gives a result for each; it cleans up after itself, also when it fails.
 */
export interface MeasureFile {
  /** Name → what it measures, in a few words. */
  readonly measures: Readonly<Record<string, string>>;
  run(wanted: ReadonlySet<string>, say: Say): Promise<Result[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('no values to take the median of');
  return middle;
}

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
