/**
 * `npm run bench -- NAME…` runs the measures that are named, `npm run bench` says which there are. Standard output gets one JSON line a
 * measure: `{"measure","value","unit","control","controlValue","ratio"}`; people are told on standard error what goes on.
 */
const NEEDED_NODE = 24;
if (Number(process.versions.node.split('.')[0]) < NEEDED_NODE) {
  process.stderr.write(
    `The bench runs on Node ${NEEDED_NODE}: start it as "npm run bench", after "npm ci" without --ignore-scripts.\n`,
  );
  process.exit(1);
}
const { runBench } = await import('./src/run.ts');
process.exitCode = await runBench(process.argv.slice(2));
