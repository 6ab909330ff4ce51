import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './install.mjs';

/** What is made from the sources, or only read by tests, does not make them newer. */
const SKIPPED = /^(node_modules|dist(\.\d+)?|test|coverage)$|\.test\.tsx?$/;

/** When the newest file below these places was changed, in milliseconds since 1970; 0 when there is none. */
export const newestIn = (places) => Math.max(0, ...places.map((place) => newest(path.join(ROOT, place))));

function newest(place) {
  if (!fs.existsSync(place)) return 0;
  const stat = fs.statSync(place);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = fs.readdirSync(place).filter((entry) => !SKIPPED.test(entry));
  return Math.max(0, ...inside.map((entry) => newest(path.join(place, entry))));
}
