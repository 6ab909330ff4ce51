import type { CallSurface } from '@rialto/client';
import { leaveCall, leavePhrase, openSession, register, showCall, takeOver } from './session.ts';
import { useSession } from './state.ts';

const sdk = {
  registerAccount: jest.fn(),
  takeOver: jest.fn(),
  openAccount: jest.fn(async (): Promise<unknown> => 'no-account'),
};
jest.mock('./sdk.ts', () => ({
  registerAccount: (...given: unknown[]) => sdk.registerAccount(...given) as unknown,
  takeOver: () => sdk.takeOver() as unknown,
  openAccount: () => sdk.openAccount() as unknown,
}));

const phase = () => useSession.getState().phase;
const addListener = jest.fn();
beforeEach(() => {
  Object.assign(globalThis, { addEventListener: addListener });
  useSession.setState({ phase: { name: 'welcome' } });
});

const never = new Promise<never>(() => undefined);
/** A client whose server has stopped answering. */
const silent = {
  account: {},
  connection: { state: 'connecting', networkChanged: () => undefined },
  on: () => () => undefined,
  conversations: { list: () => never },
  wallet: { refresh: () => never, balances: [] },
};

test('the recovery phrase is shown at once, whatever the server answers after that', async () => {
  sdk.registerAccount.mockResolvedValue({ client: silent, recoveryPhrase: 'twelve words' });
  void register('ana', 'Ana');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(phase()).toEqual({ name: 'phrase', phrase: 'twelve words' });
});

test('words that nobody has said they have are shown when the page comes back, and are kept until they are forgotten', async () => {
  const forgetRecoveryPhrase = jest.fn(async () => undefined);
  const client = { ...silent, recoveryPhrase: async () => 'twelve words', forgetRecoveryPhrase };
  sdk.openAccount.mockResolvedValueOnce(client);
  void openSession();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(phase()).toEqual({ name: 'phrase', phrase: 'twelve words' });
  forgetRecoveryPhrase.mockRejectedValueOnce(new Error('disk full'));
  await leavePhrase();
  expect(phase()).toMatchObject({ name: 'phrase' });
  await leavePhrase();
  expect(phase()).toEqual({ name: 'ready' });
});

test('a tab that cannot take over says so', async () => {
  sdk.takeOver.mockRejectedValue(new Error('no locks here'));
  await takeOver();
  expect(phase()).toMatchObject({ name: 'failed' });
});

test('without an account the welcome is shown', async () => {
  await openSession();
  expect(phase()).toEqual({ name: 'welcome' });
});

describe('a second call that knocks', () => {
  type Changing = Omit<CallSurface, 'state'> & { state: CallSurface['state'] };
  const callIn = (state: CallSurface['state'], id: string) => ({ id, state }) as unknown as Changing;
  const shown = () => {
    const { call, waitingCall } = useSession.getState();
    return [call?.id ?? null, waitingCall?.id ?? null];
  };
  beforeEach(() => useSession.setState({ call: null, waitingCall: null }));

  test('takes the place of the first one that ended, and no longer waits', () => {
    const [first, second] = [callIn('active', 'first'), callIn('ringing', 'second')];
    showCall(first);
    showCall(second);
    expect(shown()).toEqual(['first', 'second']);
    first.state = 'ended';
    showCall(first);
    second.state = 'connecting';
    showCall(second);
    expect(shown()).toEqual(['second', null]);
    second.state = 'ended';
    showCall(second);
    leaveCall();
    expect(shown()).toEqual([null, null]);
  });

  test('is not shown anymore when it was over before the first one was left', () => {
    const [first, second] = [callIn('active', 'first'), callIn('ringing', 'second')];
    showCall(first);
    showCall(second);
    first.state = second.state = 'ended'; // its own news is still to come
    showCall(first);
    leaveCall();
    expect(shown()).toEqual([null, null]);
  });

  test('keeps waiting when the first one is changed, and is followed when that one is left', () => {
    const [first, second] = [callIn('active', 'first'), callIn('ringing', 'second')];
    showCall(first);
    showCall(second);
    showCall(first);
    expect(shown()).toEqual(['first', 'second']);
    first.state = 'ended';
    showCall(first);
    leaveCall();
    expect(shown()).toEqual(['second', null]);
  });
});
