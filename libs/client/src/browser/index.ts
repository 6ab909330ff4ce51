import type { MediaEngine } from '../calls/media-engine.ts';
import { BrowserMediaEngine } from './media.ts';

export { type BrowserStoreOptions, openBrowserStore } from './indexeddb-store.ts';
export { BrowserMediaEngine, type BrowserMediaOptions } from './media.ts';
export { requestTakeOver } from './writer-lock.ts';

/** This browser's camera, microphone and peer connections, with every frame encrypted. */
export const browserMediaEngine = (): MediaEngine => new BrowserMediaEngine();
