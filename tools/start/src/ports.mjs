import net from 'node:net';

/**
 * Why this port cannot be had, in one sentence, or undefined. `localhost` may mean 127.0.0.1 or ::1, so a program on either would answer in
 * our place.
 */
export async function portProblem(port, host) {
  if (!Number.isInteger(port) || port < 1 || port > 65535) return `RIALTO_PORT must be a number from 1 to 65535.`;
  const hosts = host === '127.0.0.1' ? ['127.0.0.1', '::1'] : [host];
  for (const one of hosts) {
    const code = await bindError(port, one);
    if (code === 'EADDRINUSE')
      return `Port ${port} is taken by another program. Choose another, for example: RIALTO_PORT=${port + 1} npm start`;
    if (code === 'EACCES')
      return `Port ${port} needs rights that this user does not have. Choose one above 1023, for example: RIALTO_PORT=7420 npm start`;
  }
  return undefined;
}

/** The code of the error that listening gives; machines without IPv6 answer EADDRNOTAVAIL or EAFNOSUPPORT, which is no problem of ours. */
function bindError(port, host) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', ({ code }) => resolve(code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
