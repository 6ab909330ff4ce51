import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, chmodSync, statSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  findTurn,
  freePort,
  NATS_MAX_PAYLOAD_BYTES,
  removePostgresData,
  startNats,
  startPostgres,
  startTurn,
} from '@rialto/engines';

/** Everything here is real: the programs that `npm start` uses, found the way it finds them. */

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rialto-engines-'));
  chmodSync(dir, 0o711);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('PostgreSQL', () => {
  test('keeps its data, its password and its durability over a restart, and never runs as root', async () => {
    const dataDir = join(dir, 'kept');
    const first = await startPostgres({ dataDir });
    await query(first.url, 'create table kept as select 42 as answer');
    if (process.platform === 'linux') expect(statSync(`/proc/${first.pid}`).uid).not.toBe(0);
    await first.stop();

    const second = await startPostgres({ dataDir });
    try {
      expect(second.password).toBe(first.password);
      expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
      const settings =
        "select string_agg(current_setting(name), ',') as all from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) name";
      expect(await query(second.url, settings)).toEqual([{ all: 'on,on,on' }]);
      expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
    } finally {
      await second.stop();
    }
  });

  test('says what to do when its data are there and its password is not', async () => {
    const dataDir = join(dir, 'orphaned');
    await (await startPostgres({ dataDir })).stop();
    rmSync(`${dataDir}.password`);
    await expect(startPostgres({ dataDir })).rejects.toThrow(/password .*orphaned.* is gone.*npm start -- --reset/s);
    await removePostgresData(dataDir);
    const anew = await startPostgres({ dataDir });
    expect(await query(anew.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await anew.stop();
  });

  test('a first start that was killed leaves no half database', async () => {
    const dataDir = join(dir, 'cut-off');
    const begin = `import { startPostgres } from '@rialto/engines'; await startPostgres({ dataDir: ${JSON.stringify(dataDir)} });`;
    const start = spawn(process.execPath, ['--input-type=module', '-e', begin], { cwd: __dirname, stdio: 'ignore' });
    const ended = once(start, 'exit');
    const beside = () => readdirSync(dir).filter((name) => name.startsWith('cut-off'));
    const isUnderWay = () => beside().some((name) => existsSync(join(dir, name, 'PG_VERSION')));
    while (!isUnderWay()) await new Promise((resolve) => setTimeout(resolve, 5));
    start.kill('SIGKILL');
    await ended;
    expect(existsSync(dataDir)).toBe(false);

    const next = await startPostgres({ dataDir });
    try {
      expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      await next.stop();
    }
    await (await startPostgres({ dataDir })).stop(); // the killed one's initdb may have written on until now
    expect(beside().toSorted()).toEqual(['cut-off', 'cut-off.password']);
  });

  test('replaces the server that a killed start left running', async () => {
    const dataDir = join(dir, 'left-over');
    const leftOver = await startPostgres({ dataDir });
    const next = await startPostgres({ dataDir });
    try {
      await expect(leftOver.exited).resolves.toBe(0);
      expect(next.pid).not.toBe(leftOver.pid);
      expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      await next.stop();
    }
  });

  test('a free port is none that an outgoing connection could be given meanwhile', async () => {
    const lowestOutgoing = 32_768; // On Linux; elsewhere it is higher.
    for (let i = 0; i < 20; i++) expect(await freePort()).toBeLessThan(lowestOutgoing);
  });

  test('says why when its port is taken', async () => {
    const port = await freePort();
    const other = net.createServer().listen(port, '127.0.0.1');
    await expect(startPostgres({ dataDir: join(dir, 'taken'), port })).rejects.toThrow(/did not start.*could not/s);
    other.close();
  });
});

describe('nats-server', () => {
  /** The first line that a server says: its INFO. */
  function infoOf(port: number): Promise<{ max_payload: number; auth_required?: boolean; host: string; version: string }> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('data', (data) => {
        socket.destroy();
        resolve(JSON.parse(String(data).slice('INFO '.length).split('\r\n')[0] ?? '') as never);
      });
    });
  }

  test('listens on loopback, takes large messages, and is new enough', async () => {
    const nats = await startNats();
    const info = await infoOf(nats.port);
    expect(info).toMatchObject({ host: '127.0.0.1', max_payload: NATS_MAX_PAYLOAD_BYTES });
    expect(info.auth_required).toBeUndefined();
    expect(info.version.localeCompare('2.12.7', undefined, { numeric: true })).toBeGreaterThanOrEqual(0);
    await nats.stop();
    await expect(infoOf(nats.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('uses the authorization that it is given', async () => {
    const nkey = 'UBDEUZDCC4MX6TK5WSUOXZYHAIE5C4IOZOTRMBK4YJYDS4GDU55STW5Q';
    const nats = await startNats({ config: `authorization { users = [ { nkey: ${nkey} } ] }` });
    expect(await infoOf(nats.port)).toMatchObject({ auth_required: true });
    await nats.stop();
  });

  test('says what is wrong with its configuration', async () => {
    await expect(startNats({ config: 'authorization {' })).rejects.toThrow('nats-server did not start');
  });
});

describe('coturn', () => {
  test('answers a STUN binding request, and leaves nothing behind', async () => {
    const program = await findTurn();
    if (program.missing) throw new Error(`coturn cannot be had: ${program.why.join('; ')}`);
    const turn = await startTurn({ program });
    expect(turn.urls).toEqual([`turn:127.0.0.1:${turn.port}?transport=udp`, `turn:127.0.0.1:${turn.port}?transport=tcp`]);
    expect(await stunAnswer(turn.port)).toBe(0x0101);
    await turn.stop();
    expect(existsSync(`/proc/${turn.pid}`)).toBe(false);
  });

  /** Sends a binding request until it is answered (RFC 8489, sections 5 and 6.2.1) and gives the type of the answer: 0x0101 is success. */
  function stunAnswer(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = createSocket('udp4');
      const request = Buffer.from('000100002112a442' + '0102030405060708090a0b0c', 'hex');
      const ask = () => socket.send(request, port, '127.0.0.1');
      const [again, timer] = [setInterval(ask, 500), setTimeout(() => end(() => reject(new Error('no answer'))), 8_000)];
      const end = (settle: () => void) => {
        clearInterval(again);
        clearTimeout(timer);
        socket.close();
        settle();
      };
      socket.once('message', (message) => end(() => resolve(message.readUInt16BE(0))));
      ask();
    });
  }
});
