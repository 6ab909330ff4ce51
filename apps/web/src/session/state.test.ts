import { notify, useSession } from './state.ts';

const texts = () => useSession.getState().notices.map(({ text }) => text);
beforeEach(() => {
  jest.useFakeTimers();
  useSession.setState({ notices: [] });
});
afterEach(() => jest.useRealTimers());

test('an alarm is not pushed out by what is said after it', () => {
  notify('the statement does not add up', 'danger');
  for (const text of ['one', 'two', 'three', 'four']) notify(text);
  expect(texts()).toEqual(['the statement does not add up', 'three', 'four']);
  jest.runAllTimers();
  expect(texts()).toEqual(['the statement does not add up']);
});

test('of many alarms none is dropped', () => {
  const alarms = ['a', 'b', 'c', 'd'];
  for (const text of alarms) notify(text, 'danger');
  expect(texts()).toEqual(alarms);
});
