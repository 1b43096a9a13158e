import type { Socket } from 'node:net';
import { protocolError } from '../../../core/error-class.ts';

/** Maximum size of a row, or of one answer to a catalog query. Without it, a server that announces more could exhaust the memory. */
export const maxMessageBytes = 128 * 1024 * 1024;

export interface SocketGuard {
  /** The system, for messages: `team-a/shop (db:3306/shop)`. */
  readonly where: string;
  /** Called with each chunk before the driver gets it. An exception ends the connection. */
  readonly inspect?: (chunk: Buffer) => void;
}

/**
 * Drivers parse a server's data in socket events, where an exception would end the process. Here it ends only the connection: the
 * driver's callers see a lost connection, and the error says that the server broke the protocol.
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
