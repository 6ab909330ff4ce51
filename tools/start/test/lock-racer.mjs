/**
 * One of the processes that race for locks: `node lock-racer.mjs <folder> <rounds> <start, ms since 1970> <ms a round>`. In each round it tries, at
 * the same instant as the others, to take `<folder>/<round>`; it prints the rounds that it won as JSON, and keeps the locks until its input ends.
 */
import path from 'node:path';
import { dataPaths, takeDataDirectory } from '../src/data-directory.mjs';

const [folder, ...numbers] = process.argv.slice(2);
const [rounds, startMs, everyMs] = numbers.map(Number);
const now = () => performance.timeOrigin + performance.now();
const won = [];
for (let round = 0; round < rounds; round++) {
  while (now() < startMs + round * everyMs); // A timer would be late by more than the moment in question.
  if (!takeDataDirectory(dataPaths(path.join(folder, String(round))), 'a race').holder) won.push(round);
}
console.log(JSON.stringify(won));
process.stdin.resume();
