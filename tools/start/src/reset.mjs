import { createInterface } from 'node:readline/promises';
import { dataPaths, removeData, stopLeftOvers, takeDataDirectory } from './data-directory.mjs';
import { StartProblem } from './start-problem.mjs';

/** Deletes the data after asking. @returns {Promise<boolean>} whether to go on with the start */
export async function reset({ dataDir, yes }, env = process.env) {
  if (env.RIALTO_POSTGRES_URL) {
    throw new StartProblem(
      'RIALTO_POSTGRES_URL names a database that is not made by this start, so it is not deleted by it: drop that database yourself, or unset the variable.',
    );
  }
  const paths = dataPaths(dataDir);
  const lock = takeDataDirectory(paths, 'a reset');
  if (lock.holder) throw new StartProblem(`Rialto runs on these data (process ${lock.holder.pid}): stop it before a reset.`);
  try {
    const question = `This deletes all accounts, messages and money in ${dataDir}. Type "yes" to go on: `;
    if (!yes && (await ask(question)) !== 'yes') {
      console.log('Nothing was deleted.');
      return false;
    }
    await stopLeftOvers(paths, console.log);
    await removeData(paths);
    console.log('All data are deleted.');
    return true;
  } finally {
    lock.release();
  }
}

/** One line from standard input; the end of the input is an answer too, and it is not "yes". */
async function ask(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise((resolve) => terminal.once('close', () => resolve('')));
  try {
    return (await Promise.race([terminal.question(question), ended])).trim();
  } finally {
    terminal.close();
  }
}
