#!/usr/bin/env node
/** `npm start`. This first file runs on Node 20 with nothing installed; it installs, and goes on with the pinned Node. */
import { onPinnedNode } from './src/install.mjs';

await onPinnedNode(import.meta.url);
const { start } = await import('./src/start.mjs');
await start(process.argv.slice(2));
