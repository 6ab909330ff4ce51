/** The dependency rules of the architecture. Each comment is written for the person whose import was just refused. */
const services = '^apps/(identity|messaging|calls|payments|gateway)/';

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one thing, or a third is missing: move what both need into a file of its own.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'apps-stand-alone',
      severity: 'error',
      comment:
        'An app is replaced and scaled alone, so apps never import each other. Call the other service through its contract over NATS; what both need belongs in libs/.',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-know-no-apps',
      severity: 'error',
      comment:
        'A library serves many apps and knows none of them: pass in what it needs as an argument. (Its tests may start real engines.)',
      from: { path: '^libs/', pathNot: ['/testing/', '/test/', '\\.test\\.ts$'] },
      to: { path: '^(apps|tools)/' },
    },
    {
      name: 'contracts-import-zod-only',
      severity: 'error',
      comment:
        'Contracts run in servers, browsers and tools, and are read as the specification: they import zod and nothing else.',
      from: { path: '^libs/contracts/src/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^libs/contracts/src/', '^node_modules/zod/'] },
    },
    {
      name: 'crypto-imports-nothing-of-ours',
      severity: 'error',
      comment: 'libs/crypto is to be read and audited by itself, so it knows nothing of contracts, services or clients.',
      from: { path: '^libs/crypto/' },
      to: { path: '^(libs/(?!crypto/)|apps/|tools/)' },
    },
    {
      name: 'services-cannot-decrypt',
      severity: 'error',
      comment:
        'Servers cannot decrypt because they cannot import the code that does. Import @rialto/crypto/server (hash, verify, random, proofs, commitPolicy) instead of another door.',
      from: { path: [services, '^libs/service/'], pathNot: ['\\.test\\.ts$', '/test/'] },
      to: { path: '^libs/crypto/src/(?!server\\.ts$)' },
    },
    {
      name: 'services-do-not-use-the-sdk',
      severity: 'error',
      comment: 'The SDK is for people: a service calls another one through libs/service, with its own key and permissions.',
      from: { path: [services, '^libs/service/'], pathNot: ['\\.test\\.ts$', '/test/'] },
      to: { path: '^libs/client/' },
    },
    {
      name: 'clients-do-not-import-the-server',
      severity: 'error',
      comment: 'What runs on a person’s device talks to the gateway alone; libs/service has no place there.',
      from: { path: '^(apps/(web|cli)/|libs/client/)', pathNot: ['\\.test\\.ts$', '/test/'] },
      to: { path: '^libs/service/' },
    },
    ...['web', 'cli'].map((app) => ({
      name: `${app}-stands-on-the-sdk`,
      severity: 'error',
      comment:
        'What people use is built on libs/client, and on the types of libs/contracts: keys, sockets and stores are its business. What is missing there is added there.',
      from: { path: `^apps/${app}/src/`, pathNot: '\\.test\\.tsx?$' },
      to: { path: '^(libs/(?!client/|contracts/)|tools/)' },
    })),
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment:
        'domain/ holds decisions without input or output: it imports contracts, zod, hashes and itself, and everything else comes in as arguments.',
      from: { path: '^apps/[^/]+/src/domain/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot: [
          '^apps/[^/]+/src/domain/',
          '^libs/contracts/',
          '^libs/crypto/src/server\\.ts$',
          '^node_modules/zod/',
          '^(node:)?crypto$',
        ],
      },
    },
    {
      name: 'only-service-wires',
      severity: 'error',
      comment:
        'service.ts is the composition root: nothing but main.ts and tests imports it, so that every part can be built by itself.',
      from: { path: '^apps/', pathNot: ['/main\\.ts$', '\\.test\\.ts$', '/test/'] },
      to: { path: '^apps/[^/]+/src/service\\.ts$' },
    },
    {
      name: 'libraries-have-one-door',
      severity: 'error',
      comment:
        'Import a library by its name (@rialto/…), never by a path into its folder: what is not exported may change at any time.',
      from: { path: '^(apps|libs|tools)/([^/]+)/' },
      to: { path: '^libs/', pathNot: '^$1/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'This import leads nowhere: add the package to the workspace’s package.json, or mend the path.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(/dist/|/generated/|/coverage/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.d.ts'],
    },
  },
};
