import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { SERVICES_WITH_DATABASE } from './services.mjs';

/** The processes that speak on NATS, each with a key of its own. */
export const PEERS = ['gateway', 'identity', 'messaging', 'calls', 'payments'];

/**
 * The secrets of one installation, made at its first start and kept in its data directory, readable by its owner alone. A secret that a later
 * version needs is added to the file; none is ever replaced.
 */
export function keptSecrets(file) {
  const kept = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const secrets = { ...newSecrets(), ...kept };
  if (Object.keys(secrets).length !== Object.keys(kept).length) {
    const part = `${file}.${process.pid}`;
    fs.writeFileSync(part, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
    fs.renameSync(part, file);
  }
  return secrets;
}

function newSecrets() {
  const secrets = {
    tokenKey: ed25519(),
    ledgerKey: ed25519(),
    ledgerId: `ldg_${randomBytes(16).toString('base64url')}`,
    turn: randomBytes(24).toString('base64url'),
    stripeKey: `sk_test_${randomBytes(16).toString('hex')}`,
    stripeWebhook: `whsec_${randomBytes(24).toString('hex')}`,
  };
  for (const peer of PEERS) secrets[`nats_${peer}`] = natsUser();
  for (const service of SERVICES_WITH_DATABASE) {
    secrets[`database_${service}_app`] = randomBytes(24).toString('base64url');
  }
  return secrets;
}

/** An Ed25519 key pair as two 32-byte values in base64url: the seed and the public key (RFC 8032, 5.1.5; RFC 8037's `d` and `x`). */
function ed25519() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { seed: d, publicKey: x };
}

const USER_PREFIX = 20 << 3;
const SEED_PREFIX = 18 << 3;

/**
 * A user's nkey: an Ed25519 key pair in NATS's own spelling, base32 of prefix, key and CRC-16 (the format of github.com/nats-io/nkeys).
 * A seed carries two prefixes in its first two bytes: that of a seed, and that of what it is a seed for.
 */
function natsUser() {
  const { seed, publicKey } = ed25519();
  const seedPrefix = [SEED_PREFIX | (USER_PREFIX >> 5), (USER_PREFIX & 31) << 3];
  return {
    seed: checkedBase32(Buffer.concat([Buffer.from(seedPrefix), Buffer.from(seed, 'base64url')])),
    publicKey: checkedBase32(Buffer.concat([Buffer.from([USER_PREFIX]), Buffer.from(publicKey, 'base64url')])),
  };
}

function checkedBase32(bytes) {
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc16(bytes));
  return base32(Buffer.concat([bytes, sum]));
}

/** CRC-16/XMODEM: polynomial 0x1021, begins with 0. */
function crc16(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/** RFC 4648, section 6, without padding. */
function base32(bytes) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[parseInt(five.padEnd(5, '0'), 2)]).join('');
}
