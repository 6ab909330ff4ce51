#!/usr/bin/env node
/** `npm run demo`: two people meet, write, pay and call in the terminal, on the running system or on one that lives as long as the demo. */
import { onPinnedNode } from './src/install.mjs';

await onPinnedNode(import.meta.url);
const { demo } = await import('./src/demo.mjs');
process.exit(await demo(process.argv.slice(2)));
