/** What a page and its media worker say to each other. Keys go in and never come out. */
export type ToWorker =
  | { readonly type: 'send-key' | 'receive-key'; readonly id: number; readonly epoch: number; readonly key: Uint8Array }
  | { readonly type: 'stop-sending' }
  /** The track that comes through a receiver was announced with this number. Until then nothing of it passes. */
  | { readonly type: 'announced'; readonly receiver: number; readonly number: number }
  | { readonly type: 'count'; readonly id: number };
export type FromWorker =
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'counts'; readonly id: number; readonly opened: number; readonly refused: number }
  | { readonly type: 'first-frame'; readonly kind: 'audio' | 'video'; readonly receiver: number }
  | { readonly type: 'unknown-epoch' }
  /** A transform stopped for good; nothing passes there any more. The detail is an error's text, never of a frame. */
  | { readonly type: 'transform-ended'; readonly side: 'send' | 'receive'; readonly detail: string };

/** How a transform is told its place. A receiver has its transform before anybody has announced what comes through it. */
export type TransformOptions =
  | { readonly side: 'send'; readonly kind: 'audio' | 'video'; readonly number: number }
  | { readonly side: 'receive'; readonly kind: 'audio' | 'video'; readonly receiver: number };
