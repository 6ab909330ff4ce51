import fs from 'node:fs';
import { findChromium, findNats, findTurn, installDebian, isDebian, isRoot } from '@rialto/engines';
import { listTests, runJest } from './jest-stage.mjs';
import { bringUpEngines, bringUpSystem, bringUpSystemWithWeb } from './surroundings.mjs';

const isCi = Boolean(process.env.CI) && process.env.CI !== 'false';

/** In the order in which a failure is cheapest to find. `bringUp` starts what the stage needs and gives its environment and its end. */
const STAGES = [
  { name: 'unit', workers: 2, timeoutMinutes: 8 },
  { name: 'integration', workers: 2, timeoutMinutes: 12, bringUp: bringUpEngines },
  { name: 'end-to-end', workers: 1, timeoutMinutes: 15, bringUp: bringUpSystem },
  { name: 'browser', workers: 1, timeoutMinutes: 12, bringUp: bringUpSystemWithWeb, needs: 'chromium' },
];

/**
 * Runs the stages named, or all; other words are patterns of test paths.
 * @returns {Promise<number>} the exit code; the last line printed is `N passed, N failed`
 */
export async function runTests(words) {
  const began = performance.now();
  const names = words.filter((word) => STAGES.some(({ name }) => name === word));
  const patterns = words.filter((word) => !names.includes(word));
  const stages = STAGES.filter(({ name }) => names.length === 0 || names.includes(name));
  const total = { passed: 0, failed: 0, notRun: [] };
  const stopping = stopOnSignal();
  const found = await setUp(stages);
  for (const stage of stages) {
    if (stopping.aborted) break;
    const result = await runStage(stage, patterns, found, stopping);
    total.passed += result.passed;
    total.failed += result.failed;
    if (result.notRun) total.notRun.push(`${stage.name}: ${result.notRun}`);
  }
  if (stopping.aborted) total.notRun.push('the run was interrupted');
  for (const line of total.notRun) console.log(`Not run: ${line}`);
  if (total.notRun.length > 0 && (isCi || stopping.aborted)) total.failed += total.notRun.length;
  if (total.passed + total.failed === 0) {
    console.log(`No test matches ${words.join(' ')}.`);
    total.failed = 1;
  }
  console.log(`All stages took ${((performance.now() - began) / 1000).toFixed(0)} s.`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

async function runStage(stage, patterns, found, stopping) {
  const files = await listTests(stage.name, patterns);
  if (files.length === 0) return { passed: 0, failed: 0 };
  const missing = stage.needs && found[stage.needs]?.missing && found[stage.needs];
  if (missing)
    return {
      passed: 0,
      failed: 0,
      notRun: `${stage.needs} cannot be had (${missing.why.join('; ')}). This helps: ${missing.help}`,
    };
  const began = performance.now();
  console.log(`\n== ${stage.name}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`);
  let surroundings;
  let result;
  try {
    surroundings = await stage.bringUp?.(found, stopping);
    result = await runJest(stage, patterns, surroundings?.env ?? {}, stopping);
  } catch (error) {
    console.error(error.stack ?? error);
    result = { passed: 0, failed: 1 };
  } finally {
    await surroundings?.stop();
  }
  console.log(
    `== ${stage.name}: ${result.passed} passed, ${result.failed} failed in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  );
  return result;
}

/** Finds what the stages need, and as root on Debian installs what is missing; what cannot be had is named by the stage that needs it. */
async function setUp(stages) {
  const needsEngines = stages.some(({ bringUp }) => bringUp);
  if (!needsEngines) return {};
  const say = (line) => console.log(line);
  const needsChromium = stages.some(({ needs }) => needs === 'chromium');
  if (needsChromium && isRoot && isDebian() && (await findChromium()).missing) await installDebian(['chromium'], say);
  const found = {
    chromium: await findChromium({ say, mayFetch: needsChromium }),
    turn: await findTurn(say),
    nats: await findNats(say),
  };
  for (const [name, { path, version, how, missing, why }] of Object.entries(found)) {
    say(missing ? `${name}: cannot be had (${why.join('; ')})` : `${name}: ${path}, version ${version}, from ${how}`);
    if (path && !fs.existsSync(path)) throw new Error(`${path} has gone`);
  }
  return found;
}

/** The first signal lets the running stage stop and everything that was started with it; nothing is left behind. */
function stopOnSignal() {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => controller.abort());
  return controller.signal;
}
