#!/usr/bin/env node
/** `npm test`: everything, on a fresh machine too. `npm test -- unit integration` runs stages, `npm test -- ledger` what matches a path. */
import { onPinnedNode } from '../start/src/install.mjs';

await onPinnedNode(import.meta.url);
const { runTests } = await import('./src/run-tests.mjs');
process.exit(await runTests(process.argv.slice(2)));
