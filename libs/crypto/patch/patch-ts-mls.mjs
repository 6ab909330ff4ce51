// Corrects five places in three files of ts-mls 1.6.4, or stops the installation. Runs as the root `postinstall` on any Node from 20
// and needs no package. Each file must have a known SHA-256 before and after, so another version, or a file that somebody changed,
// is never half patched; running it again changes nothing.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '1.6.4';

const files = [
  {
    name: 'clientState.js',
    before: '63645bc3be6ec7f6d4f6d88af5c0b63e34f5e1fea693c62bd958d228b51b6f61',
    after: '796db0100ed8ef9f0b6c379e546b1cad14b843564837fa175b85700729d49c3b',
    edits: [
      // Joiners refused valid trees (RFC 9420 section 7.9: an unmerged leaf must be listed by every parent between it and the node).
      [`nodeType !== "leaf" && !dp.includes(toNodeIndex(i))`, `nodeType !== "leaf" || !dp.includes(toNodeIndex(i))`],
      [
        `if (!arraysEqual(dpNode.parent.unmergedLeaves, n.parent.unmergedLeaves))`,
        `if (parentIdx === i) break;\n                        if (!dpNode.parent.unmergedLeaves.includes(unmergedLeaf))`,
      ],
      // Every commit carries a path (section 12.4 demands one with GroupContextExtensions; 1.6.4 neither sends nor requires it).
      [
        `allProposals.length === 0 || Object.values(grouped.update).length > 0 || Object.values(grouped.remove).length > 0;`,
        `true;`,
      ],
    ],
  },
  {
    name: 'createCommit.js',
    before: '2813d68a1457a55470bbb1f2d223e12aa61c69e18a177f920c51cbdccc4bb004',
    after: 'c7004cb85e4f53f3122fb1a0114bcf856e3237eff55f8a36f741535403f7d3ce',
    edits: [
      // Receivers decrypt the path under the *new* extensions and the sender encrypted it under the old: nobody could process the commit.
      [
        `toLeafIndex(state.privatePath.leafIndex), state.groupContext, state.signaturePrivateKey, cipherSuite, excludeNodes)`,
        `toLeafIndex(state.privatePath.leafIndex), { ...state.groupContext, extensions: res.additionalResult.extensions?.length ? res.additionalResult.extensions : state.groupContext.extensions }, state.signaturePrivateKey, cipherSuite, excludeNodes)`,
      ],
    ],
  },
  {
    name: 'treemath.js',
    before: '61658c7f2fbecb170796bffa5cf0137b188b015a136e1059ab0146a1c0de78e2',
    after: 'ab5e03c782bc4ba1a71331208c666a615989b4d15909e8caed249284c34c921f',
    edits: [
      // For an index outside the tree this never returned, and a stranger's commit or the tree in a Welcome can carry one.
      [
        `    if (nodeIndex === r)\n        return [];\n    const d = [];`,
        `    if (!(nodeIndex >= 0 && nodeIndex <= 2 * r))\n        throw new InternalError("node outside the tree");\n    if (nodeIndex === r)\n        return [];\n    const d = [];`,
      ],
    ],
  },
];

class PatchError extends Error {}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** Walks up from here, as Node does: the package may lie beside this library or at the root of the workspace. */
function findPackage() {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'ts-mls');
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder)
      throw new PatchError('ts-mls is not installed: run `npm install` at the root of the repository');
  }
}

function patch(folder, { name, before, after, edits }) {
  const path = join(folder, 'dist', 'src', name);
  if (!existsSync(path)) throw new PatchError(`${name} is missing: delete node_modules and install again`);
  const source = readFileSync(path, 'utf8');
  if (sha256(source) === after) return false;
  if (sha256(source) !== before) throw new PatchError(`${name} is not the file of ${VERSION}: review the patch before using it`);
  const patched = edits.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2) throw new PatchError(`${name}: expected exactly one "${from}"`);
    return text.replace(from, () => to);
  }, source);
  if (sha256(patched) !== after) throw new PatchError(`${name}: the patched file has the unexpected SHA-256 ${sha256(patched)}`);
  writeFileSync(`${path}.new`, patched);
  renameSync(`${path}.new`, path); // a new inode: package managers hard-link the original into their store
  return true;
}

try {
  const folder = findPackage();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (version !== VERSION)
    throw new PatchError(`found version ${version}, and the patch is for ${VERSION}: review it before using another`);
  const changed = files.filter((file) => patch(folder, file)).length;
  console.log(changed > 0 ? `ts-mls ${VERSION}: ${changed} files corrected` : `ts-mls ${VERSION}: already corrected`);
} catch (error) {
  if (!(error instanceof PatchError)) throw error;
  console.error(`Cannot correct ts-mls: ${error.message}`);
  process.exitCode = 1;
}
