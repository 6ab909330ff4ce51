#!/usr/bin/env node
/** `npm run verify`: everything that can be checked without running the system. `npm run verify -- lint types` runs some checks only. */
import { onPinnedNode } from '../start/src/install.mjs';

await onPinnedNode(import.meta.url);
const { runChecks } = await import('./src/checks.mjs');
process.exit(await runChecks(process.argv.slice(2)));
