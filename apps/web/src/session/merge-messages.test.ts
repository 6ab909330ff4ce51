import type { MessageView } from '@rialto/client';
import { merge } from './merge-messages.ts';

const message = (id: string, order: number, state: MessageView['state'] = 'sent') => ({ id, order, state }) as MessageView;

test('later versions replace earlier ones, and reading order is kept', () => {
  const known = [message('a', 1), message('b', 2, 'sending')];
  const merged = merge(known, [message('c', 3), message('b', 2, 'delivered'), message('z', 0)]);
  expect(merged.map(({ id, state }) => `${id} ${state}`)).toEqual(['z sent', 'a sent', 'b delivered', 'c sent']);
});
