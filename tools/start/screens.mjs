#!/usr/bin/env node
/** `npm run screens [-- FOLDER]`: a picture of every screen of the system that runs. */
import { onPinnedNode } from './src/install.mjs';

await onPinnedNode(import.meta.url);
const { screens } = await import('./src/screens.mjs');
process.exit(await screens(process.argv.slice(2)));
