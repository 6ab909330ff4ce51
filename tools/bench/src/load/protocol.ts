import type { ProcessGroups, ProcessorTimes } from '../processor-time.ts';

/** One of two people who write to each other. */
export interface Side {
  readonly token: string;
  /** A sealed message of theirs, base64url, and the id that it carries. */
  readonly clientMessageId: string;
  readonly bytes: string;
}
export interface Pair {
  readonly conversationId: string;
  readonly epoch: number;
  readonly sides: readonly [Side, Side];
}

/** What the load process is told, one after the other: connect once, then load any number of times. */
export type Order =
  | { readonly op: 'connect'; readonly port: number; readonly pairs: readonly Pair[]; readonly processes: ProcessGroups }
  | { readonly op: 'load'; readonly outstanding: number; readonly warmUpMs: number; readonly measureMs: number };

/** What came of one load. Times in ms; the processor's time covers the measured part alone. */
export interface LoadReport {
  readonly messages: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly processorMs: ProcessorTimes;
  /** Messages of the whole load, warm-up and end included. */
  readonly everything: number;
}
export type Answer = { readonly connected: true } | { readonly report: LoadReport } | { readonly failure: string };
