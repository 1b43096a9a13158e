/** Maximum size of a message, in bytes of UTF-8. */
export const maxTextBytes = 4_096;

/** Control characters except line feed and tab, and characters that change the text direction. */
const hidden = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Makes text from a server or a manifest safe for a terminal, a log or a status: invisible characters are written as `\u001b`. */
export function visibleText(text: string): string {
  return text.replace(hidden, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** visibleText, truncated to the size of a message; a server may send megabytes. */
export function boundedText(text: string, maxBytes: number = maxTextBytes): string {
  // A character has at most four bytes, and six when escaped from one byte.
  const start = text.length > maxBytes ? text.slice(0, maxBytes) : text;
  const visible = visibleText(start);
  const { read } = new TextEncoder().encodeInto(visible, new Uint8Array(maxBytes));
  if (read === visible.length && start.length === text.length) return visible;
  return `${visible.slice(0, read)}... (cut off, ${text.length} characters in all)`;
}
