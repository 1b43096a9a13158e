const longest = 60;

/** The shape of a text without its content: each digit is 9, each letter x; signs stay, and a long text is cut off. */
export function maskedText(text: string): string {
  const start = [...text].slice(0, longest).join('');
  const shape = start.replace(/\p{N}/gu, '9').replace(/[^9\s\p{P}\p{S}]/gu, 'x');
  return text.length > start.length ? `${shape}...` : shape;
}
