import { continueTrace, currentTrace, runInTrace } from './trace.ts';

test('a trace goes on with a span of our own; what is malformed is not taken over', () => {
  const traceId = 'a'.repeat(32);
  expect(continueTrace(`00-${traceId}-${'b'.repeat(16)}-01`)).toMatch(new RegExp(`^00-${traceId}-(?!b{16})[0-9a-f]{16}-01$`));
  for (const bad of [undefined, '', 'x', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `ff-${traceId}-${'b'.repeat(16)}-01`]) {
    expect(continueTrace(bad)).toMatch(/^00-(?!0{32})(?!a{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  }
});

test('the trace is there for whatever the request awaits', async () => {
  const seen = await runInTrace({ requestId: 'r' }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return currentTrace()?.requestId;
  });
  expect([seen, currentTrace()]).toEqual(['r', undefined]);
});
