import { openSession, register, takeOver } from './session.ts';
import { useSession } from './state.ts';

const sdk = {
  registerAccount: jest.fn(),
  takeOver: jest.fn(),
  openAccount: jest.fn(async () => 'no-account' as const),
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

test('a tab that cannot take over says so', async () => {
  sdk.takeOver.mockRejectedValue(new Error('no locks here'));
  await takeOver();
  expect(phase()).toMatchObject({ name: 'failed' });
});

test('without an account the welcome is shown', async () => {
  await openSession();
  expect(phase()).toEqual({ name: 'welcome' });
});
