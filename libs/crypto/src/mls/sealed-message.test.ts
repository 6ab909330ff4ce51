import type { PrivateMessage } from 'ts-mls';
import { encodeMlsMessage } from 'ts-mls/message.js';
import { fromBase64url, randomBytes, randomId, ready, toBase64url } from '../primitives.ts';
import { newMessageId } from './message-id.ts';
import { groupIdOf } from './policy.ts';
import { decodeMessage, InvalidGroupData } from './public-group.ts';
import { readSealedMessage } from './sealed-message.ts';

const LENGTHS = [0, 1, 63, 64, 65, 1_000, 16_383, 16_384, 60_000];

beforeAll(ready);

function privateMessage(change: Partial<PrivateMessage> = {}): PrivateMessage {
  return {
    groupId: groupIdOf({ conversationId: 'cnv_AAAAAAAAAAAAAAAAAAAAAA', resetSeq: 7 }),
    epoch: 3n,
    contentType: 'application',
    authenticatedData: randomBytes(16),
    encryptedSenderData: randomBytes(28),
    ciphertext: randomBytes(1_000),
    ...change,
  };
}
const encoded = (message: PrivateMessage): Uint8Array =>
  encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage: message });

test('reads what ts-mls writes, whatever the lengths', () => {
  for (const ciphertext of LENGTHS) {
    for (const sender of LENGTHS) {
      const messageId = newMessageId();
      const conversationId = randomId('cnv');
      const epoch = 2n ** 40n + BigInt(ciphertext);
      const bytes = encoded(
        privateMessage({
          groupId: groupIdOf({ conversationId, resetSeq: sender }),
          epoch,
          authenticatedData: fromBase64url(messageId),
          encryptedSenderData: randomBytes(sender),
          ciphertext: randomBytes(ciphertext),
        }),
      );
      expect(readSealedMessage(bytes)).toEqual({ conversationId, resetSeq: sender, epoch, messageId });
      expect(readSealedMessage(Buffer.concat([Buffer.from('before'), bytes]).subarray(6)).epoch).toBe(epoch);
    }
  }
});

test('refuses what is not one whole application message', () => {
  const bytes = encoded(privateMessage());
  const refused = [
    encoded(privateMessage({ contentType: 'commit' })),
    encoded(privateMessage({ contentType: 'proposal' })),
    encoded(privateMessage({ authenticatedData: randomBytes(15) })),
    encoded(privateMessage({ groupId: randomBytes(30) })),
    Buffer.concat([bytes, Buffer.of(0)]),
    new Uint8Array(),
    ...Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length)),
  ];
  for (const one of refused) expect(() => readSealedMessage(one)).toThrow(InvalidGroupData);
});

test('refuses a length that is written in more bytes than it needs, and the reserved form', () => {
  const bytes = Buffer.from(encoded(privateMessage()));
  const lengthAt = 4;
  const [length = 0] = bytes.subarray(lengthAt);
  const withLength = (...written: number[]) =>
    Buffer.concat([bytes.subarray(0, lengthAt), Buffer.from(written), bytes.subarray(lengthAt + 1)]);
  expect(() => readSealedMessage(withLength(length))).not.toThrow();
  expect(() => readSealedMessage(withLength(0x40, length))).toThrow('more bytes than it needs');
  expect(() => readSealedMessage(withLength(0x80, 0, 0, length))).toThrow('more bytes than it needs');
  expect(() => readSealedMessage(withLength(0xc0, 0, 0, 0, 0, 0, 0, length))).toThrow(InvalidGroupData);
});

test('accepts nothing that ts-mls does not read, and reads it alike', () => {
  const bytes = encoded(privateMessage({ ciphertext: randomBytes(40) }));
  let accepted = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const read = attempt(() => readSealedMessage(changed));
      if (read === undefined) continue;
      accepted += 1;
      const message = decodeMessage(changed);
      if (message.wireformat !== 'mls_private_message') throw new Error('accepted another kind of message');
      expect(message.privateMessage.contentType).toBe('application');
      expect(message.privateMessage.epoch).toBe(read.epoch);
      expect(toBase64url(message.privateMessage.authenticatedData)).toBe(read.messageId);
    }
  }
  expect(accepted).toBeGreaterThan(100);
});

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof InvalidGroupData) return undefined;
    throw error;
  }
}
