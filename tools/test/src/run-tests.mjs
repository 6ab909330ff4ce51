import { listTests, runJest } from './jest-stage.mjs';
import { partByRequirements } from './requirements.mjs';
import { setUp } from './set-up.mjs';
import { bringUpEngines, bringUpSystem, bringUpSystemWithWeb } from './surroundings.mjs';

/** In the order in which a failure is cheapest to find. `bringUp` starts what the stage needs and gives its environment and its end. */
const STAGES = [
  { name: 'unit', workers: 2, timeoutMinutes: 8 },
  { name: 'integration', workers: 2, timeoutMinutes: 12, bringUp: bringUpEngines },
  { name: 'end-to-end', workers: 1, timeoutMinutes: 15, bringUp: bringUpSystem },
  { name: 'browser', workers: 1, timeoutMinutes: 12, bringUp: bringUpSystemWithWeb, needs: 'chromium' },
];

/** How a stage is listed and run; the runner's own test passes others. */
const HERE = {
  stages: STAGES,
  isCi: Boolean(process.env.CI) && process.env.CI !== 'false',
  setUp,
  listTests,
  partByRequirements,
  runJest,
};

/**
 * Runs the stages named, or all; other words are patterns of test paths.
 * @returns {Promise<number>} the exit code; the last line printed is `N passed, N failed`
 */
export async function runTests(words, here = HERE) {
  const began = performance.now();
  const names = words.filter((word) => here.stages.some(({ name }) => name === word));
  const patterns = words.filter((word) => !names.includes(word));
  const stages = here.stages.filter(({ name }) => names.length === 0 || names.includes(name));
  const total = { passed: 0, failed: 0, notRun: [] };
  const stopping = stopOnSignal();
  const found = await here.setUp(stages);
  for (const stage of stages) {
    if (stopping.aborted) break;
    const result = await runStage(stage, patterns, { here, found, stopping });
    total.passed += result.passed;
    total.failed += result.failed;
    total.notRun.push(...(result.notRun ?? []).map((line) => `${stage.name}: ${line}`));
  }
  if (stopping.aborted) total.notRun.push('the run was interrupted');
  for (const line of total.notRun) console.log(`Not run: ${line}`);
  if (total.notRun.length > 0 && (here.isCi || stopping.aborted)) total.failed += total.notRun.length;
  if (total.passed + total.failed === 0) {
    console.log(total.notRun.length > 0 ? 'Nothing was run.' : `No test matches ${words.join(' ')}.`);
    total.failed = 1;
  }
  console.log(`All stages took ${((performance.now() - began) / 1000).toFixed(0)} s.`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

async function runStage(stage, patterns, { here, found, stopping }) {
  const listed = await here.listTests(stage.name, patterns);
  if (listed.problem) {
    console.error(`${stage.name}: jest could not list its test files\n${listed.problem}`);
    return { passed: 0, failed: 1 };
  }
  // Whoever names paths asks for few files; without them a stage that is empty has lost all of its own.
  if (listed.files.length === 0)
    return { passed: 0, failed: 0, notRun: patterns.length === 0 ? ['no test file belongs to it'] : [] };
  const missing = stage.needs && found[stage.needs]?.missing && found[stage.needs];
  if (missing)
    return {
      passed: 0,
      failed: 0,
      notRun: [`${stage.needs} cannot be had (${missing.why.join('; ')}). This helps: ${missing.help}`],
    };
  const { runnable, notRun } = await here.partByRequirements(listed.files, found);
  if (runnable.length === 0) return { passed: 0, failed: 0, notRun };
  return { ...(await runFiles(stage, runnable, { here, found, stopping })), notRun };
}

async function runFiles(stage, files, { here, found, stopping }) {
  const began = performance.now();
  console.log(`\n== ${stage.name}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`);
  let surroundings;
  let result;
  try {
    surroundings = await stage.bringUp?.(found, stopping);
    result = await here.runJest(stage, files, surroundings?.env ?? {}, stopping);
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

/** The first signal lets the running stage stop and everything that was started with it; nothing is left behind. */
function stopOnSignal() {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => controller.abort());
  return controller.signal;
}
