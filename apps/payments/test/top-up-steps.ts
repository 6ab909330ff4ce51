import { payments, type TopUpId, type TopUpView } from '@rialto/contracts';
import Stripe from 'stripe';
import { newTopUpId, type Person, STRIPE_KEY, type World } from './world.ts';

const { createTopUp, getTopUp, getWallet } = payments.operations;

/** What a person does about a top-up and sees of it. `here` says where, and who it is at that moment. */
export function topUpSteps(here: () => { world: World; person: Person }) {
  const call = <T>(run: (world: World, token: { token: string }) => T): T => {
    const { world, person } = here();
    return run(world, { token: person.token });
  };
  const get = (topUpId: TopUpId) => call(({ gateway }, token) => gateway.call(getTopUp, { topUpId }, token));
  return {
    create: (change: Partial<{ topUpId: TopUpId; currency: string; amountMinor: string }> = {}) =>
      call(({ gateway }, token) =>
        gateway.call(createTopUp, { topUpId: newTopUpId(), currency: 'EUR', amountMinor: '2000', ...change }, token),
      ),
    get,
    stateOf: async ({ topUpId }: TopUpView) => (await get(topUpId)).state,
    /** Undefined while there is no account in that currency. */
    balance: async (currency = 'EUR') => {
      const { accounts } = await call(({ gateway }, token) => gateway.call(getWallet, {}, token));
      return accounts.find((account) => account.currency === currency)?.balanceMinor;
    },
    /** Pays a checkout at the simulator, as the page does. */
    pay: (session: string, body: object = {}) => here().world.control(`/checkout/${session}/pay`, body),
  };
}

/** The checkout that a top-up leads to. */
export const sessionOf = ({ checkoutUrl }: TopUpView): string => /cs_test_\w+/.exec(checkoutUrl ?? '')?.[0] ?? '';

/** Stripe's own SDK at the simulator of a world. */
export const stripeAt = ({ simulator }: World): Stripe =>
  new Stripe(STRIPE_KEY, { host: '127.0.0.1', port: simulator.port, protocol: 'http' });
