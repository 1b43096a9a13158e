import { transient } from '../../../core/errors.ts';

/** Asked of every list: XML cannot carry all characters of a key, and its readers replace, change or refuse the others. */
export const urlEncoded = { EncodingType: 'url' } as const;

/** The keys of an answer as they are. A server that knows no encoding answers without its name, and with plain keys. */
export function keyDecoder(encoding: string | undefined, where: string): (text: string) => string {
  if (encoding !== 'url') return (text) => text;
  return (text) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '));
    } catch (cause) {
      throw transient('ServerFailed', `${where}: a key in a list is not encoded as the server says`, {
        cause,
      });
    }
  };
}
