/** What a page and its media worker say to each other. Keys go in and never come out. */
export type ToWorker =
  | { readonly type: 'send-key' | 'receive-key'; readonly id: number; readonly epoch: number; readonly key: Uint8Array }
  | { readonly type: 'stop-sending' }
  | { readonly type: 'count'; readonly id: number };
export type FromWorker =
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'counts'; readonly id: number; readonly opened: number; readonly refused: number }
  | { readonly type: 'first-frame'; readonly kind: 'audio' | 'video' }
  | { readonly type: 'unknown-epoch' };

/** How a transform is told its place. `number: null` on the receiving side: nobody announced this track, and nothing of it passes. */
export type TransformOptions =
  | { readonly side: 'send'; readonly kind: 'audio' | 'video'; readonly number: number }
  | { readonly side: 'receive'; readonly kind: 'audio' | 'video'; readonly number: number | null };
