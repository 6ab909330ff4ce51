import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Processor } from './processor.ts';

let server: Server;
let answer: object;
let processor: Processor;
beforeAll(async () => {
  server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  processor = new Processor({ key: 'sk_test_processor', url: `http://127.0.0.1:${port}`, publicUrl: 'http://localhost:7420' });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a checkout of another kind is none of ours, even where the Stripe account is', async () => {
  answer = { id: 'cs_test_1', object: 'checkout.session', mode: 'setup', status: 'complete', amount_total: null, currency: null };
  await expect(processor.readCheckout('cs_test_1')).resolves.toBeUndefined();
});
