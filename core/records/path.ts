/** A step into a record: the name of a field, or the index of an element. */
export type Step = string | number;

/**
 * Parses the path of a column: names with dots between them, `[0]` for an element, and a backslash before a dot, a bracket or a backslash in
 * a name: `totals.gross`, `lines[0].sku`, `a\.b`. Empty: the whole record. Undefined if it is not a path.
 */
export function parsePath(text: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '[') {
      const index = /^\[(0|[1-9]\d{0,8})\]/.exec(text.slice(at, at + 12));
      if (!index) return undefined;
      steps.push(Number(index[1]));
      at += index[0].length;
      continue;
    }
    if (at > 0) {
      if (text[at] !== '.') return undefined;
      at += 1;
    }
    const name = readName(text, at);
    if (!name) return undefined;
    steps.push(name.name);
    at = name.end;
  }
  return steps;
}

function readName(text: string, start: number): { readonly name: string; readonly end: number } | undefined {
  let name = '';
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '.' || character === '[') break;
    if (character === ']') return undefined;
    if (character === '\\') {
      const next = text[at + 1] ?? '';
      if (!'.[]\\'.includes(next) || next === '') return undefined;
      name += next;
      at += 1;
    } else name += character;
  }
  return name === '' ? undefined : { name, end: at };
}

/** The path of these steps. A name must not be empty: such a field has no path. */
export function formatPath(steps: readonly Step[]): string {
  return steps
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const name = step.replace(/[.[\]\\]/g, '\\$&');
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}
