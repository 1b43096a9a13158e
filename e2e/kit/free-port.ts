import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that nobody listens on. It is taken from below the range that the kernel gives to outgoing
 * connections, so that it is still free when a server that takes a second to start binds it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
