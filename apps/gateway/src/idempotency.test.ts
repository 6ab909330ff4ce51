import { messaging, payments } from '@rialto/contracts';
import { withIdempotencyKey } from './idempotency.ts';

const { sendMessage, acknowledge } = messaging.operations;
const signedBody = { signed: Buffer.from('{"intentId":"int_1"}').toString('base64url'), signature: 'sig' };

test('the header fills, agrees, or is refused', () => {
  expect(withIdempotencyKey(sendMessage, { epoch: 0 }, 'msg_1')).toEqual({ epoch: 0, clientMessageId: 'msg_1' });
  expect(withIdempotencyKey(sendMessage, { clientMessageId: 'msg_1' }, 'msg_1')).toEqual({ clientMessageId: 'msg_1' });
  expect(() => withIdempotencyKey(sendMessage, { clientMessageId: 'msg_1' }, 'msg_2')).toThrow('invalid-input');
  expect(withIdempotencyKey(acknowledge, { upTo: 1 }, 'anything')).toEqual({ upTo: 1 });
});

test('a signed body is compared and never changed', () => {
  const { transfer } = payments.operations;
  for (const key of ['int_1', 'sig', undefined]) expect(withIdempotencyKey(transfer, signedBody, key)).toBe(signedBody);
  expect(() => withIdempotencyKey(transfer, signedBody, 'int_2')).toThrow('invalid-input');
  expect(() => withIdempotencyKey(transfer, { signed: '!', signature: 's' }, 'int_1')).toThrow('invalid-input');
});
