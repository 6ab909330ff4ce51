/** Where tests find engines that run already. Without an address they start their own. */
export const testPostgresUrl = process.env['RIALTO_TEST_POSTGRES_URL'];
export const testNatsServer = process.env['RIALTO_TEST_NATS_SERVER'];
