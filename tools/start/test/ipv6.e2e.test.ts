import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A machine without IPv6 has nobody at ::1: there the runner names this file as not run. */
const START = resolve(__dirname, '../start.mjs');

test('a port that only ::1 holds counts as taken, since localhost may mean it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rialto-ipv6-'));
  const other = net.createServer().listen({ port: 0, host: '::1' });
  try {
    await once(other, 'listening');
    const { port } = other.address() as net.AddressInfo;
    const env = { ...process.env, RIALTO_PORT: String(port), RIALTO_DATA_DIR: join(dir, 'data') };
    const child = spawn(process.execPath, [START, '--no-web'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is taken`);
  } finally {
    other.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
