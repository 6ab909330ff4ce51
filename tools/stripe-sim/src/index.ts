/** What tests of other packages use. */
export { startSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';
export { checkoutRequests, type StripeRequest } from './requests.ts';
export { signatureHeader } from './webhook-signature.ts';
export { StripeMockUnavailable, startStripeMock, whyNoStripeMock, type StripeMock } from './stripe-mock.ts';
