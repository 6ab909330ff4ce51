/** Unit and vector tests live beside the code as `x.test.ts`; what needs engines is `*.int.test.ts` and runs through tools/test. */
const esmPackages = ['@nestjs', '@nats-io', '@noble', '@scure', '@hpke', 'jose', 'ts-mls', 'uqr', 'idb'];

export const transform = {
  '\\.(ts|tsx|js|mjs)$': [
    '@swc/jest',
    { jsc: { target: 'es2024', parser: { syntax: 'typescript', tsx: true } }, module: { type: 'commonjs' } },
  ],
};

export default {
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '\\.int\\.test\\.ts$', '/apps/e2e/'],
  testEnvironment: 'node',
  transform,
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
};
