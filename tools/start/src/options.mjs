import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './install.mjs';
import { StartProblem } from './start-problem.mjs';

const DEFAULT_PORT = 7420;

export const USAGE = `npm start [-- OPTIONS]
  --watch    restart a service and rebuild the web client when their files change
  --no-web   do not build and serve the web client
  --reset    delete all accounts, messages and money first, after asking
  --yes      do not ask
  --help     this text
Environment: RIALTO_PORT (${DEFAULT_PORT}), RIALTO_DATA_DIR (.rialto), RIALTO_HOST (127.0.0.1); docs/operations.md lists the rest.`;

/** Reads the command line and the environment. @throws StartProblem with one sentence */
export function readOptions(args, env = process.env) {
  const flags = parseFlags(args);
  const port = Number(env.RIALTO_PORT || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StartProblem(`RIALTO_PORT is "${env.RIALTO_PORT}", but a port is a number from 1 to 65535.`);
  }
  const { 'no-web': noWeb, ...others } = flags;
  return {
    ...others,
    web: !noWeb,
    port,
    host: env.RIALTO_HOST || undefined,
    dataDir: path.resolve(ROOT, env.RIALTO_DATA_DIR || '.rialto'),
  };
}

function parseFlags(args) {
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({ args, options: { watch: flag, 'no-web': flag, reset: flag, yes: flag, help: flag } }).values;
  } catch (error) {
    throw new StartProblem(`${error.message.split('. ')[0]}.\n${USAGE}`);
  }
}
