import Database from 'better-sqlite3';

export interface Comparison {
  readonly table: string;
  readonly rows: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
}

/** Compares every column, row by row: both tables are read in key order and merged. */
export function compareTables(sourcePath: string, destinationPath: string, table: string): Comparison {
  const [source, destination] = [sourcePath, destinationPath].map(
    (path) => new Database(path, { readonly: true }),
  );
  if (!source || !destination) throw new Error('unreachable: two paths give two databases');
  try {
    const rows = (db: Database.Database) => {
      const statement = db.prepare<[], Record<string, unknown>>(`SELECT * FROM "${table}" ORDER BY id`);
      statement.safeIntegers(true);
      return statement.iterate();
    };
    return merge(table, rows(source), rows(destination));
  } finally {
    source.close();
    destination.close();
  }
}

type Rows = IterableIterator<Record<string, unknown>>;

function merge(table: string, source: Rows, destination: Rows): Comparison {
  let [rows, missing, extra, different] = [0, 0, 0, 0];
  let left = source.next();
  let right = destination.next();
  while (!left.done || !right.done) {
    const [leftId, rightId] = [idOf(left), idOf(right)];
    if (rightId === undefined || (leftId !== undefined && leftId < rightId)) {
      missing++;
      left = source.next();
    } else if (leftId === undefined || rightId < leftId) {
      extra++;
      right = destination.next();
    } else {
      rows++;
      if (textOf(left.value) !== textOf(right.value)) different++;
      left = source.next();
      right = destination.next();
    }
  }
  return { table, rows, missing, extra, different };
}

function idOf(result: IteratorResult<Record<string, unknown>>): bigint | undefined {
  return result.done ? undefined : (result.value.id as bigint);
}

function textOf(row: Record<string, unknown>): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
