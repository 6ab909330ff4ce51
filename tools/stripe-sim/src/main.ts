import { ConfigRefused, readConfig, type Config } from './config.ts';
import { startSimulator } from './simulator.ts';

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

const report = (line: object): void => {
  process.stderr.write(`${JSON.stringify({ service: 'stripe-sim', ...line })}\n`);
};

const simulator = await startSimulator({ ...configOrExit(), report });
process.stdout.write(
  `${JSON.stringify({ ready: true, service: 'stripe-sim', host: simulator.host, port: simulator.port, simulated: true })}\n`,
);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void simulator.stop().then(() => process.exit(0));
  });
}
