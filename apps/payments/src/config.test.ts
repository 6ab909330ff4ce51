import { parseEnvironment } from '@rialto/service';
import { isSimulated, PaymentsConfig } from './config.ts';

const env = {
  RIALTO_STRIPE_KEY: 'sk_test_12345678',
  RIALTO_STRIPE_WEBHOOK_SECRET: 'whsec_1234567890123456',
  RIALTO_LEDGER_KEY: Buffer.alloc(32, 1).toString('base64url'),
  RIALTO_LEDGER_ID: 'ldg_AAAAAAAAAAAAAAAAAAAAAA',
  RIALTO_PUBLIC_URL: 'http://localhost:7420',
};
const live = { ...env, RIALTO_STRIPE_KEY: 'rk_live_12345678', RIALTO_LICENSED_PARTNER: 'A Licensed Bank' };
const parse = (variables: Record<string, string>) => parseEnvironment(PaymentsConfig, variables);

test('real money needs the name of whoever is licensed for it', () => {
  const { RIALTO_LICENSED_PARTNER: _partner, ...unnamed } = live;
  expect(() => parse(unnamed)).toThrow('RIALTO_LICENSED_PARTNER');
  expect(() => parse({ ...unnamed, RIALTO_LICENSED_PARTNER: '' })).toThrow('RIALTO_LICENSED_PARTNER');
});

test('a live key works alone and never beside a simulator', () => {
  expect(isSimulated(parse(live))).toBe(false);
  expect(isSimulated(parse(env))).toBe(true);
  expect(() => parse({ ...live, RIALTO_STRIPE_URL: 'http://127.0.0.1:1' })).toThrow('live key');
  expect(() => parse({ ...env, RIALTO_STRIPE_URL: 'http://127.0.0.1:1' })).not.toThrow();
});
