import type { Socket } from 'node:net';
import { IdraError, permanent } from '../../../core/errors.ts';

/** A row, or one answer to a question about the catalogue, is never larger. A server that says otherwise would fill the memory. */
export const maxMessageBytes = 128 * 1024 * 1024;

export interface SocketGuard {
  /** The system, for messages: `team-a/shop (db:3306/shop)`. */
  readonly where: string;
  /** Looks at each chunk before the driver does. What it throws ends the connection. */
  readonly inspect?: (chunk: Buffer) => void;
}

/**
 * Drivers read what a server sends in events of its socket, where an exception would end the process. Here it ends the connection: the
 * driver's callers hear of it as of any loss of a connection, and the error says that the server broke the protocol.
 */
export function guardSocket(socket: Socket, { where, inspect }: SocketGuard): void {
  const emit = socket.emit;
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === 'data' && socket.destroyed) return false;
    try {
      if (event === 'data') inspect?.(args[0] as Buffer);
      return Reflect.apply(emit, socket, [event, ...args]);
    } catch (thrown) {
      socket.destroy(protocolError(where, thrown));
      return true;
    }
  };
}

export function protocolError(where: string, thrown: unknown): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return permanent('ProtocolBroken', `${where}: the server sends what its protocol does not allow: ${text}`, {
    mend: 'check that host and port belong to a server of this type, and that nothing between changes what it sends',
    cause: thrown,
  });
}
