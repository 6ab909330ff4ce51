import { foldHandle, handleProblem } from './handle.ts';

test('what people type is folded', () => {
  expect(foldHandle(' @Ben_7 ')).toBe('ben_7');
  expect(foldHandle('ANA')).toBe('ana');
});

test.each(['ana', 'ben_7', 'a_b', 'x'.repeat(30), '1a1', 'adriana', 'supporters'])('%s can be claimed', (handle) => {
  expect(handleProblem(handle)).toBeNull();
});

test.each(['ab', 'x'.repeat(31), 'Ana', 'a-b', 'a b', 'bén', '', '123', '___', 'ana\n', '@ana', 'аna'])(
  '%j is malformed',
  (handle) => {
    expect(handleProblem(handle)).toBe('malformed');
  },
);

test.each(['admin', 'adm1n', '_admin_', 'r1alto', 'rialto_support', 'supp0rt', 'roOt'.toLowerCase(), 'wa11et', 'no_reply'])(
  '%s is reserved',
  (handle) => {
    expect(handleProblem(handle)).toBe('reserved');
  },
);
