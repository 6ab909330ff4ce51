interface Service {
  name: string;
}
interface Services {
  SERVICES: Service[];
  environmentOf(service: Service, replica: number, world: object): Record<string, string>;
}
const key = { seed: 'seed', publicKey: 'public' };

test('an operator’s limits reach the gateway, and nobody else', async () => {
  const file = './services.mjs'; // Plain JavaScript without types of its own.
  const { SERVICES, environmentOf } = (await import(file)) as Services;
  const world = {
    env: { PATH: '/bin', RIALTO_LIMIT_ANYONE_PER_MINUTE: '1000', RIALTO_LIMIT_DEVICE_PER_MINUTE: '', RIALTO_OTHER: '1' },
    secrets: new Proxy({}, { get: () => key }),
    natsUrl: 'nats://127.0.0.1:4222',
    databaseUrl: () => 'postgres://127.0.0.1/rialto',
    turn: { urls: [], secret: '' },
    urls: { public: 'http://localhost', inner: 'http://localhost', stripeSim: 'http://localhost' },
    ports: { gateways: [1], stripeSim: 2 },
    paths: { dataDir: '/data' },
    origins: [],
  };
  const told = SERVICES.map((service) => {
    const names = Object.keys(environmentOf(service, 0, world));
    return [service.name, names.filter((name) => /^RIALTO_(LIMIT|OTHER)/.test(name))] as const;
  });
  expect(told.filter(([, limits]) => limits.length > 0)).toEqual([['gateway', ['RIALTO_LIMIT_ANYONE_PER_MINUTE']]]);
});
