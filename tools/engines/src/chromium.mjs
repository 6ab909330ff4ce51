import fs from 'node:fs';
import { isDebian } from './debian.mjs';
import { findOnPath } from './find.mjs';
import { PINS } from './pins.mjs';

/** Only the tests need a browser. `RIALTO_CHROMIUM` names one that is not on PATH. */
export async function findChromium() {
  const named = process.env.RIALTO_CHROMIUM;
  if (named && fs.existsSync(named)) return { path: named, version: 'as named', how: 'RIALTO_CHROMIUM' };
  const why = named ? [`RIALTO_CHROMIUM names ${named}, which is not there`] : [];
  const found = await findOnPath(
    ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    PINS.chromium.least,
    why,
  );
  if (found) return found;
  const help = isDebian() ? 'sudo apt-get install chromium' : 'install Chromium or Chrome, or name it in RIALTO_CHROMIUM';
  return { missing: true, why, help };
}
