import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A server of a test's own that answers as an attacker would. On 127.0.0.1 only, and gone with the test. */
export interface RogueServer {
  readonly port: number;
  /** Connections that a client has not closed. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** So many bytes at most are sent to one client, whatever an attack writes. */
const mostBytes = 8 * 1024 * 1024;

/** What goes back to the client. */
export type Answer = (bytes: Buffer) => void;

export async function rogueServer(
  onConnection: (answer: Answer, socket: Socket) => (chunk: Buffer) => void,
): Promise<RogueServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let sent = 0;
    const answer = (bytes: Buffer) => {
      sent += bytes.length;
      if (sent <= mostBytes && socket.writable) socket.write(bytes);
    };
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', onConnection(answer, socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return sockets.size;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
