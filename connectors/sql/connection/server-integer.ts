import { protocolError } from './guarded-socket.ts';

/**
 * Parses a whole number sent by a server. Invalid text is not a bug in Idra: the server is not what it claims to be, or something is in
 * between.
 */
export function serverInteger(value: unknown, where: string): bigint {
  try {
    return BigInt(String(value));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw protocolError(where, 'another value where an integer is expected');
  }
}
