import fs from 'node:fs';
import { findChromium, findNats, findTurn, installDebian, isDebian, isRoot } from '@rialto/engines';

const ENGINES = { findChromium, findNats, findTurn, installDebian, mayInstall: () => isRoot && isDebian() };

/**
 * Finds what the stages need, and as root on Debian installs what is missing. What cannot be had is marked as missing, and is named by whoever
 * needs it; an installation that fails ends nothing, since there are other ways to find a program.
 */
export async function setUp(stages, engines = ENGINES, say = (line) => console.log(line)) {
  if (!stages.some(({ bringUp }) => bringUp)) return {};
  const needsChromium = stages.some(({ needs }) => needs === 'chromium');
  if (needsChromium && engines.mayInstall() && (await engines.findChromium()).missing) {
    try {
      await engines.installDebian(['chromium'], say);
    } catch (error) {
      say(`chromium: ${error.message}; looking for another way`);
    }
  }
  const found = {
    chromium: await engines.findChromium({ say, mayFetch: needsChromium }),
    turn: await engines.findTurn(say),
    nats: await engines.findNats(say),
  };
  for (const [name, { path, version, how, missing, why }] of Object.entries(found)) {
    say(missing ? `${name}: cannot be had (${why.join('; ')})` : `${name}: ${path}, version ${version}, from ${how}`);
    if (path && !fs.existsSync(path)) throw new Error(`${path} has gone`);
  }
  return found;
}
