#!/usr/bin/env node
/**
 * The one command of the container image: `setup` makes the secrets of an installation and each container's part of them, `migrate` brings
 * the database up to date, `run NAME` is a service, `health [URL]` asks whether this container's service is well.
 */
import { containerHealth, containerMigrate, containerRun, containerSetup } from './src/container.mjs';

const commands = { setup: containerSetup, migrate: containerMigrate, run: containerRun, health: containerHealth };
const [name, ...args] = process.argv.slice(2);
if (!commands[name]) {
  console.error(`Say one of: ${Object.keys(commands).join(', ')}`);
  process.exit(2);
}
try {
  await commands[name](...args);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
