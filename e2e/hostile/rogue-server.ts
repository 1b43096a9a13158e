import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** A test's own server that answers as an attacker would. Only on 127.0.0.1; ends with the test. */
export interface RogueServer {
  readonly port: number;
  /** Connections that a client has not closed. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** The maximum number of bytes sent to one client, whatever an attack writes; an attack may need more. */
const usualMostBytes = 8 * 1024 * 1024;

/** Sends bytes back to the client. */
export type Answer = (bytes: Buffer) => void;

/** A self-signed certificate, in PEM. */
export interface OwnCertificate {
  readonly key: string;
  readonly cert: string;
}

/** What follows on this connection goes through TLS; `early` is the part that arrived with the client's request for TLS. */
export function speakTls(
  socket: Socket,
  own: OwnCertificate,
  receive: (chunk: Buffer) => void,
  early: Buffer = Buffer.alloc(0),
): Answer {
  socket.removeAllListeners('data');
  socket.pause();
  if (early.length > 0) socket.unshift(early);
  const secure = new TLSSocket(socket, { isServer: true, ...own });
  secure.on('error', () => {});
  secure.on('data', receive);
  return (bytes) => void secure.write(bytes);
}

export async function rogueServer(
  onConnection: (answer: Answer, socket: Socket) => (chunk: Buffer) => void,
  mostBytes: number = usualMostBytes,
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
