import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from '../../start/src/install.mjs';

const JEST = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
/** After its report a run should end at once; one that does not has left a timer or a connection open. */
const END_AFTER_REPORT_MS = 10_000;
const MINUTE_MS = 60_000;

const environment = (stage, more = {}) => ({ ...process.env, ...more, RIALTO_TEST_STAGE: stage, NODE_ENV: 'test' });

/**
 * The test files of a stage that match the patterns.
 * @returns {Promise<{ files: string[], problem?: string }>} `problem` is what jest said when it could not list them
 */
export async function listTests(stage, patterns) {
  const { status, stdout, stderr } = await run(process.execPath, [JEST, '--listTests', ...patterns], {
    cwd: ROOT,
    env: environment(stage),
  });
  if (status !== 0) return { files: [], problem: `${stderr}${stdout}`.trim() || `it ended with status ${status}` };
  return { files: stdout.split('\n').filter((line) => line.endsWith('.ts')) };
}

/** Runs jest on files of a stage and counts from its report. @returns {Promise<{ passed: number, failed: number }>} */
export async function runJest({ name, workers, timeoutMinutes }, files, env, stopping) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rialto-report-'));
  const report = path.join(dir, 'report.json');
  try {
    const args = [JEST, '--json', `--outputFile=${report}`, '--testLocationInResults', '--runTestsByPath', ...files];
    args.push(...(workers === 1 ? ['--runInBand'] : [`--maxWorkers=${workers}`]));
    const end = await runToTheEnd(args, environment(name, env), report, { timeoutMs: timeoutMinutes * MINUTE_MS, stopping });
    if (!fs.existsSync(report)) {
      console.log(`jest ended without a report (${end})`);
      return { passed: 0, failed: 1 };
    }
    return count(JSON.parse(fs.readFileSync(report, 'utf8')), end);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** jest writes its progress to standard error; its report on standard output is the same as the file's, and is not shown. */
async function runToTheEnd(args, env, report, { timeoutMs, stopping }) {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  let reason;
  const endGroup = (why) => {
    reason ??= why;
    // A negative number is the process group: jest's workers end with it.
    const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
    if (isRunning) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => endGroup(`it took longer than ${timeoutMs / MINUTE_MS} minutes`), timeoutMs);
  const onStop = () => endGroup('interrupted');
  stopping.addEventListener('abort', onStop);
  let reportedAt;
  const watch = setInterval(() => {
    if (fs.existsSync(report)) reportedAt ??= Date.now();
    if (reportedAt && Date.now() - reportedAt > END_AFTER_REPORT_MS) endGroup('a test left something open, so jest was ended');
  }, 500);
  const status = await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  clearTimeout(timer);
  clearInterval(watch);
  stopping.removeEventListener('abort', onStop);
  if (reason) console.log(`jest: ${reason}`);
  return reason ?? `status ${status}`;
}

/** A file that does not even load counts as one failure, and so does a test that did not run: none is skipped here. */
function count(report, end) {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  );
  const notRun = report.numPendingTests + report.numTodoTests;
  if (notRun > 0) console.log(`${notRun} tests were skipped, which counts as failed`);
  const slow = report.testResults
    .map(({ name, startTime, endTime }) => ({ name: path.relative(ROOT, name), seconds: (endTime - startTime) / 1000 }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 3);
  console.log(`slowest: ${slow.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join(', ')}`);
  const failed = report.numFailedTests + broken.length + notRun;
  const endedBadly = failed === 0 && end !== 'status 0' && !end.startsWith('a test left');
  return { passed: report.numPassedTests, failed: endedBadly ? 1 : failed };
}
