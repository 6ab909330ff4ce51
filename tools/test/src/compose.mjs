import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../../start/src/install.mjs';
import { SERVICES } from '../../start/src/services.mjs';

/** Reads docker-compose.yml as Compose would, and checks what a reader would overlook. What needs an engine is tested in tools/start. */

const PUBLIC = new Set(['proxy']);
const text = fs.readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
const { services, volumes } = parse(text, { merge: true });
const problems = [];
const check = (isTrue, sentence) => {
  if (!isTrue) problems.push(sentence);
};

for (const { name } of SERVICES) check(services[name], `${name} is a process of Rialto, but no service of docker-compose.yml`);

for (const [name, service] of Object.entries(services)) {
  const isOurs = service.image.startsWith('rialto:');
  check(service.image.includes(':'), `${name}: pin the version of ${service.image}`);
  check(!/:latest$/.test(service.image), `${name}: "latest" is not a version`);
  check(PUBLIC.has(name) || !service.ports, `${name} publishes ports; only ${[...PUBLIC].join(', ')} may`);
  for (const needed of Object.keys(service.depends_on ?? {}))
    check(services[needed], `${name} depends on ${needed}, which is not there`);
  for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
    check(
      condition !== 'service_healthy' || services[needed]?.healthcheck,
      `${name} waits until ${needed} is healthy, which has no health check`,
    );
  }
  if (isOurs) {
    check(service.read_only && service.cap_drop?.includes('ALL'), `${name}: our processes write nowhere and need no capability`);
    check(
      ['setup', 'migrate', 'run'].includes(service.command[0]),
      `${name}: tools/start/container.mjs does not know ${service.command[0]}`,
    );
  }
  for (const mount of service.volumes ?? []) checkMount(name, mount);
}

/** Only the set-up sees all secrets; everybody else mounts a folder of their own name. */
function checkMount(name, mount) {
  const source = typeof mount === 'string' ? mount.split(':')[0] : mount.source;
  check(source in volumes, `${name} mounts ${source}, which is not among the volumes`);
  if (source !== 'secrets' || name === 'setup') return;
  check(
    mount.read_only === true && mount.volume?.subpath === name,
    `${name} must see its own folder of the secrets, and only read it`,
  );
}

/** The image runs the Node that everything was tested with, and not as root. */
const dockerfile = fs.readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const { dependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
for (const [, version] of dockerfile.matchAll(/^FROM node:([\d.]+)/gm)) {
  check(version === dependencies.node, `Dockerfile uses Node ${version}, package.json pins ${dependencies.node}`);
}
check(/^USER node$/m.test(dockerfile), 'Dockerfile: the image must not run as root');

for (const problem of problems) console.log(problem);
console.log(`docker-compose: ${Object.keys(services).length} services, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
