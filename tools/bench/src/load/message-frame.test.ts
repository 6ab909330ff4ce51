import { MessageFrame } from './message-frame.ts';

const CONVERSATION = 'AAAAAAAAAAAAAAAAAAAAAA';

/** A message's outline as RFC 9420, section 6.3, has it, with group ids of several lengths before the message id. */
function outline(id: Buffer, groupId: Buffer): Buffer {
  const epoch = Buffer.alloc(8);
  return Buffer.concat([
    Buffer.from([0, 1, 0, 2, groupId.length]),
    groupId,
    epoch,
    Buffer.from([1, id.length]),
    id,
    Buffer.from([2, 7, 7, 5, 9, 9, 9, 9, 9]),
  ]);
}

test.each([0, 1, 2])('a message is renamed outside and inside, and nothing else changes, %i bytes into a group', (shift) => {
  const first = Buffer.alloc(16, 0xb7);
  const sealed = outline(first, Buffer.alloc(20 + shift, 0x11));
  const clientMessageId = `msg_${first.toString('base64url')}`;
  const side = { token: 't', clientMessageId, bytes: sealed.toString('base64url') };
  const frame = new MessageFrame(100_001, { conversationId: `cnv_${CONVERSATION}`, epoch: 1, sides: [side, side] }, side);
  const length = frame.bytes.length;
  for (const id of ['0123456700010000000zzA', '-_-_-_-_abcdefghijkl0w']) {
    const text = frame.rename(id).toString('latin1');
    const { input } = JSON.parse(text.slice(text.indexOf('{'))) as { input: { clientMessageId: string; bytes: string } };
    expect(input.clientMessageId).toBe(`msg_${id}`);
    const bytes = Buffer.from(input.bytes, 'base64url');
    expect(bytes.equals(outline(Buffer.from(id, 'base64url'), Buffer.alloc(20 + shift, 0x11)))).toBe(true);
    expect(frame.bytes).toHaveLength(length);
  }
});
