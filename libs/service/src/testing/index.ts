export { createTestDatabase, type TestDatabase, type TestedService } from './database.ts';
export { connectAs, newSeeds, startTestNats, type TestNats, type TestNatsOptions } from './nats.ts';
export { testDevice, type TestDevice, testToken, testTokenKeys, type TestTokenOptions } from './people.ts';
export { startTestService, type TestServiceOptions } from './service.ts';
