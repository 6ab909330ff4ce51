import fs from 'node:fs';
import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from '../../start/src/install.mjs';

/** Two at a time: the type checker alone takes a core, and more would only take turns. */
const AT_ONCE = 2;

const bin = (name) => path.join(ROOT, 'node_modules', '.bin', name);
const has = (...parts) => fs.existsSync(path.join(ROOT, ...parts));

/** The slowest come first, so that the two lanes end together. */
const CHECKS = [
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'] },
  { name: 'types of the web client', command: [bin('tsc'), '-p', 'apps/web'], when: () => has('apps', 'web', 'tsconfig.json') },
  { name: 'types of the media harness', command: [bin('tsc'), '-p', 'libs/client/test/media-harness'] },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'], help: 'npm run format mends it' },
  { name: 'lint', command: [bin('oxlint')] },
  {
    name: 'dependency rules',
    command: [bin('depcruise'), 'apps', 'libs', 'tools', '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long'],
  },
  { name: 'dead code', command: [bin('knip'), '--no-config-hints'] },
  { name: 'tidy', command: [process.execPath, 'tools/tidy/src/tidy.ts'] },
  { name: 'generated documents', command: [process.execPath, 'tools/test/src/generated.mjs', '--check'] },
  { name: 'docker-compose', command: [process.execPath, 'tools/test/src/compose.mjs'] },
];

/** Runs the checks and prints each with its time; what a failed one said follows it. @returns the exit code */
export async function runChecks(names) {
  const began = performance.now();
  const queue = CHECKS.filter(
    ({ name, when }) => (names.length === 0 || names.some((wanted) => name.includes(wanted))) && (!when || when()),
  );
  if (queue.length === 0) {
    console.log(`There is no such check; there are: ${CHECKS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  const failed = [];
  const lane = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) if (!(await runCheck(check))) failed.push(check.name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    failed.length === 0 ? `verify: all well after ${seconds} s` : `verify: failed after ${seconds} s: ${failed.join(', ')}`,
  );
  return failed.length === 0 ? 0 : 1;
}

async function runCheck({ name, command: [program, ...args], help }) {
  const began = performance.now();
  const { status, stdout, stderr } = await run(program, args, { cwd: ROOT });
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
  console.log(`${seconds} s  ${status === 0 ? 'ok    ' : 'FAILED'}  ${name}${status !== 0 && help ? ` (${help})` : ''}`);
  if (status !== 0) console.log(`${stdout}${stderr}`.trim());
  return status === 0;
}
