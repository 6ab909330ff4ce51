import { readOptions, USAGE } from './options.mjs';
import { reset } from './reset.mjs';
import { isForPeople } from './start-problem.mjs';
import { onStopSignal } from './stop-signal.mjs';
import { startSystem } from './system.mjs';
import { watchFiles } from './watch.mjs';

/** `npm start`: brings the system up, says what to do with it, and stays until it is told to stop. */
export async function start(args) {
  const began = performance.now();
  const say = (line) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  const stopping = new AbortController();
  let starting;
  onStopSignal(async (reason) => {
    say(`${reason}; stopping…`);
    stopping.abort();
    // A start that is still under way gives up at its next step and undoes itself.
    const system = await starting?.catch(() => undefined);
    await system?.stop();
    say('Everything is stopped.');
    return 0;
  });
  try {
    const options = readOptions(args);
    if (options.help) return console.log(USAGE);
    if (options.reset && !(await reset(options))) return undefined;
    // Services look more closely at what they send while they are being worked on.
    const env = options.watch ? { NODE_ENV: 'development' } : {};
    starting = startSystem({ ...options, env, operatorEnv: process.env, say, signal: stopping.signal });
    const system = await starting;
    console.log(welcome(system, (performance.now() - began) / 1000));
    if (options.watch) watchFiles(system, say);
  } catch (error) {
    if (stopping.signal.aborted) return undefined; // The one who told us to stop says so, and ends the process.
    console.error(isForPeople(error) ? error.message : (error.stack ?? error));
    process.exit(1);
  }
  return undefined;
}

function welcome({ url, notes, logsDir }, seconds) {
  const money = notes.simulated.length > 0 ? 'simulated money' : 'money';
  const lines = [
    '',
    `Rialto is ready at ${url}`,
    `(after ${seconds.toFixed(1)} s; the logs are in ${logsDir})`,
    '',
    ...notes.simulated,
    ...notes.off,
    '',
    'What to do next:',
    `  Open ${url} in two browser windows, one of them private, and choose a handle in each: say ana and ben.`,
    `  Let Ana open @ben and write to him; add ${money} in the wallet, send some, and call.`,
    '  Or let the terminal play it, in a second terminal:  npm run demo',
    '  The API is described at ' + url + '/docs.  Ctrl-C stops everything; the next start keeps the data.',
    '',
  ];
  return lines.join('\n');
}
