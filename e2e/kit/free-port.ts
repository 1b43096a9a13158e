import { createServer, type Server } from 'node:net';

/** Below the range that kernels use for outgoing connections (from 32,768 on Linux). */
const firstPort = 12_000;
const blockSize = 20;
const blockCount = 900;

/** The listener on a block's first port: its owner hands out the other ports of the block, each once. */
let block: { readonly start: number; readonly holder: Server; handedOut: number } | undefined;

/**
 * A port of 127.0.0.1 that nobody listens on, and that no other call of this function returns while this process lives. Otherwise two
 * test processes that look for a free port at the same moment could start their servers on the same one. A server that takes a second to
 * start, or that is killed and restarted, still finds its port free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    if (!block || block.handedOut === blockSize - 1) block = await takeBlock();
    const port = block.start + ++block.handedOut;
    const probe = await listenOn(port);
    if (!probe) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

async function takeBlock() {
  for (;;) {
    const start = firstPort + blockSize * Math.floor(Math.random() * blockCount);
    const holder = await listenOn(start);
    // The listener lives as long as this process and does not keep it alive.
    if (holder) return { start, holder: holder.unref(), handedOut: 0 };
  }
}

function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
