import { protocolError } from './guarded-socket.ts';

/** A whole number as a server sends it. What is none says nothing of Idra: the server is not what it says, or something stands between. */
export function serverInteger(value: unknown, where: string): bigint {
  try {
    return BigInt(String(value));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw protocolError(where, 'another value where a whole number stands');
  }
}
