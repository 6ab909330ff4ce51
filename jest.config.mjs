/** Unit and vector tests lie beside the code as `x.test.ts`. What needs engines or a whole system is told apart by its name, and has its own stage. */
const esmPackages = ['@nestjs', '@nats-io', '@noble', '@scure', '@hpke', 'jose', 'ts-mls', 'uqr', 'idb', 'content-disposition'];

const shared = {
  testEnvironment: 'node',
  transform: {
    '\\.(ts|tsx|js|mjs)$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript', tsx: true } }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
  modulePathIgnorePatterns: ['/dist/'],
};

const stages = {
  unit: {
    testMatch: ['**/*.test.ts'],
    testPathIgnorePatterns: ['/node_modules/', '\\.(int|e2e|browser)\\.test\\.ts$'],
    testTimeout: 20_000,
  },
  integration: { testMatch: ['**/*.int.test.ts'], testTimeout: 30_000 },
  'end-to-end': { testMatch: ['**/*.e2e.test.ts'], testTimeout: 120_000 },
  browser: { testMatch: ['**/*.browser.test.ts'], testTimeout: 180_000 },
};

/** `npx jest` alone runs the unit tests; tools/test names the stage, and brings up what it needs first. */
export default { ...shared, ...stages[process.env.RIALTO_TEST_STAGE ?? 'unit'] };
