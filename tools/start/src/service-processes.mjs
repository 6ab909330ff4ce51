import fs from 'node:fs';
import path from 'node:path';
import { environmentOf, mainOf, SERVICES } from './services.mjs';
import { ROOT } from './install.mjs';
import { StartProblem } from './start-problem.mjs';
import { supervise } from './supervisor.mjs';

const READY_TIMEOUT_MS = 60_000;
const ASK_EVERY_MS = 100;
const ASK_TIMEOUT_MS = 3_000;

/** Starts every service and waits until each gateway says that all of them answer. */
export async function startServices({ world, replicas, say, onStarted, gatewayUrls, undo, giveUpIfTold, signal }) {
  const hopeless = Promise.withResolvers();
  hopeless.promise.catch(() => {}); // Looked at below; after the start there is nobody left to tell.
  const present = SERVICES.filter((service) => fs.existsSync(mainOf(service)));
  const running = [];
  undo.push(() => stopServices(running)); // Before the first starts: the second may be the one that cannot.
  for (const service of present) {
    for (let replica = 0; replica < (replicas[service.name] ?? 1); replica++) {
      running.push(startService({ service, replica, world, say, onStarted, hopeless, signal }));
    }
  }
  const ready = Promise.all(gatewayUrls.map((url) => waitUntilReady(url, giveUpIfTold)));
  await Promise.race([ready, hopeless.promise]);
  say(`${running.map(({ name }) => name).join(', ')} are ready`);
  return running;
}

function startService({ service, replica, world, say, onStarted, hopeless, signal }) {
  const name = replica === 0 ? service.name : `${service.name}-${replica + 1}`;
  const logFile = path.join(world.paths.logs, `${name}.log`);
  return supervise({
    name,
    folder: service.main.replace(/\/src\/main\.ts$/, ''),
    command: process.execPath,
    args: [mainOf(service)],
    options: { cwd: ROOT, env: environmentOf(service, replica, world), logFile },
    say,
    onStarted: (pid) => onStarted(name, pid),
    signal,
    onHopeless: (reason) => hopeless.reject(new StartProblem(`${reason}\nIts log is ${logFile}.`)),
  });
}

/** The door closes first, so that no request arrives at a service that has already gone. */
async function stopServices(running) {
  const isGateway = ({ name }) => name.startsWith('gateway');
  await Promise.all(running.filter(isGateway).map((one) => one.stop()));
  await Promise.all(running.filter((one) => !isGateway(one)).map((one) => one.stop()));
}

/** `/health/ready` answers 200 once every service answers and the migrations are current; until then it says what is missing. */
async function waitUntilReady(url, giveUpIfTold) {
  let last = 'it does not answer';
  for (const end = Date.now() + READY_TIMEOUT_MS; Date.now() < end;) {
    giveUpIfTold();
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
      const body = await response.text();
      if (response.ok) return;
      last = `status ${response.status}, ${body.slice(0, 500)}`;
    } catch (error) {
      last = error.cause?.code ?? error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new StartProblem(`The services were not ready after ${READY_TIMEOUT_MS / 1000} s: ${url}/health/ready says ${last}.`);
}
