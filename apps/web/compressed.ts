import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Plugin } from 'vite';

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);
/** Fonts are compressed as they are. */
const WORTH_IT = /\.(?:html|js|css|svg|json)$/;

/** Writes `x.br` and `x.gz` beside each file of the build, so that the gateway answers with them and compresses nothing itself. */
export function compressed(): Plugin {
  let outDir = '';
  return {
    name: 'rialto-compressed',
    apply: 'build',
    configResolved: ({ root, build }) => {
      outDir = path.resolve(root, build.outDir);
    },
    closeBundle: async () => {
      const entries = fs.existsSync(outDir) ? fs.readdirSync(outDir, { recursive: true, withFileTypes: true }) : [];
      const files = entries.filter((entry) => entry.isFile() && WORTH_IT.test(entry.name));
      await Promise.all(files.map((entry) => compressFile(path.join(entry.parentPath, entry.name))));
    },
  };
}

async function compressFile(file: string): Promise<void> {
  const bytes = fs.readFileSync(file);
  const params = { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const [br, gz] = await Promise.all([brotli(bytes, { params }), gzip(bytes, { level: 9 })]);
  fs.writeFileSync(`${file}.br`, br);
  fs.writeFileSync(`${file}.gz`, gz);
}
