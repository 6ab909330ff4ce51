import fs from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { ROOT } from '../../start/src/install.mjs';

const contracts = await import('@rialto/contracts');

/** Writes the documents that are made from the contracts; with `--check` it only says which are no longer what the contracts make. */
const DOCUMENTS = [
  { file: 'docs/openapi.json', make: contracts.openApi },
  { file: 'docs/asyncapi.json', make: contracts.asyncApi },
];

const isCheck = process.argv.includes('--check');
let stale = 0;
for (const { file, make } of DOCUMENTS) {
  if (typeof make !== 'function') continue;
  const full = path.join(ROOT, file);
  const fresh = await format(JSON.stringify(make(Object.values(contracts.CONTRACTS))), { parser: 'json', printWidth: 130 });
  if (fs.existsSync(full) && fs.readFileSync(full, 'utf8') === fresh) continue;
  if (isCheck) {
    console.log(`${file} is not what the contracts make. This mends it: node tools/test/src/generated.mjs`);
    stale++;
  } else {
    fs.writeFileSync(full, fresh);
    console.log(`${file} is written`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;
