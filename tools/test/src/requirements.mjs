import net from 'node:net';
import { whyNoStripeMock } from '@rialto/stripe-sim';

/**
 * What some test files need beside their stage. `why` says in a sentence what this machine lacks, or nothing. Such files are left out by name
 * and reason, instead of counting as passed without having looked at anything.
 */
export const REQUIREMENTS = [
  { files: /\/stripe-mock\.int\.test\.ts$/, why: () => whyNoStripeMock() },
  {
    files:
      /\/(tools\/engines\/test\/engines\.int|libs\/client\/test\/(media\.browser|node-browser\.browser|node-media\.int))\.test\.ts$/,
    why: ({ turn }) => turn?.missing && `coturn cannot be had (${turn.why.join('; ')}). This helps: ${turn.help}`,
  },
  { files: /\/ipv6\.e2e\.test\.ts$/, why: async () => !(await canListen('::1')) && 'this machine has no IPv6' },
];

/**
 * Parts the files of a stage.
 * @returns {Promise<{ runnable: string[], notRun: string[] }>} the paths that can run, and a sentence for each reason why others cannot
 */
export async function partByRequirements(files, found, requirements = REQUIREMENTS) {
  let runnable = files;
  const notRun = [];
  for (const { files: pattern, why } of requirements) {
    const affected = runnable.filter((file) => pattern.test(file));
    const reason = affected.length > 0 && (await why(found));
    if (!reason) continue;
    runnable = runnable.filter((file) => !affected.includes(file));
    notRun.push(`${affected.join(', ')}: ${reason}`);
  }
  return { runnable, notRun };
}

function canListen(host) {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port: 0, host }, () => server.close(() => resolve(true)));
  });
}
