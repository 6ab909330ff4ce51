/** Finds, fetches, starts and stops the programs that Rialto stands on. Plain JavaScript with Node's built-ins, for Node 20 and newer. */
export { cacheDir } from './cache.mjs';
export { findChromium } from './chromium.mjs';
export { installDebian, isDebian } from './debian.mjs';
export { EngineProblem } from './engine-problem.mjs';
export { beginningOf, commandOf } from './machine.mjs';
export { findNats } from './nats-program.mjs';
export { startNats } from './nats.mjs';
export { NATS_MAX_PAYLOAD_BYTES, PINS } from './pins.mjs';
export { postgresDataDir, removePostgresData, startPostgres } from './postgres.mjs';
export { freePort, isPortFree, isRoot, launch, run, stopProcess, waitUntil } from './processes.mjs';
export { findTurn, startTurn, turnConfiguration } from './turn.mjs';
