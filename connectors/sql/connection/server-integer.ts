import { protocolError } from '../../../core/error-class.ts';

/** With a sign and to spare. Ten million digits would take seconds. */
const mostDigits = 40;

/**
 * Parses a whole number sent by a server. Invalid text is not a bug in Idra: the server is not what it claims to be, or something is in
 * between.
 */
export function serverInteger(value: unknown, where: string): bigint {
  const text = String(value);
  try {
    if (text.length <= mostDigits) return BigInt(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
  }
  throw protocolError(where, 'another value where an integer is expected');
}
