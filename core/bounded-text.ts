/** Of a message, in bytes of UTF-8. */
export const maxTextBytes = 4_096;

/** Control characters but line feed and tab, and what changes the direction of the text behind it. */
const hidden = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Text of a server or a manifest for a terminal, a log or a status: what would not be seen there is written as `\u001b`. */
export function visibleText(text: string): string {
  return text.replace(hidden, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same, cut off where it is longer than a message needs to be; a server may send megabytes. */
export function boundedText(text: string, maxBytes: number = maxTextBytes): string {
  // A character has four bytes at most, and six as an escape of one byte.
  const start = text.length > maxBytes ? text.slice(0, maxBytes) : text;
  const visible = visibleText(start);
  const { read } = new TextEncoder().encodeInto(visible, new Uint8Array(maxBytes));
  if (read === visible.length && start.length === text.length) return visible;
  return `${visible.slice(0, read)}... (cut off, ${text.length} characters in all)`;
}
