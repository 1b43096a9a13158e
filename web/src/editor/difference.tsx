import { strings } from '../strings.ts';

interface Line {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** Lines of both texts in one order, by their longest common subsequence. */
export function linesOf(before: string, after: string): readonly Line[] {
  const [a, b] = [before.trimEnd().split('\n'), after.trimEnd().split('\n')];
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  for (let row = a.length - 1; row >= 0; row--)
    for (let column = b.length - 1; column >= 0; column--) {
      const line = lengths[row];
      if (line)
        line[column] =
          a[row] === b[column]
            ? at(row + 1, column + 1) + 1
            : Math.max(at(row + 1, column), at(row, column + 1));
    }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < a.length || column < b.length) {
    if (row < a.length && column < b.length && a[row] === b[column]) {
      lines.push({ kind: 'same', text: a[row] ?? '' });
      row++;
      column++;
    } else if (row < a.length && (column >= b.length || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: 'removed', text: a[row++] ?? '' });
    } else {
      lines.push({ kind: 'added', text: b[column++] ?? '' });
    }
  }
  return lines;
}

const signs = { same: ' ', added: '+', removed: '-' } as const;

export function Difference({ before, after }: { readonly before: string; readonly after: string }) {
  const lines = linesOf(before, after);
  if (lines.every(({ kind }) => kind === 'same'))
    return <p className="soft">{strings.editor.noDifference}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <pre className="difference" tabIndex={0}>
      {lines.map(({ kind, text }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
        <span key={index} className={`line-${kind}`}>
          {signs[kind]} {text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
