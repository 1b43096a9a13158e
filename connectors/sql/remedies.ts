import type { SystemType } from '../../core/sync-spec.ts';
import { quoteBacktick, quoteDouble, splitName } from './names.ts';

/** The statement that makes these columns a key of a table, as its own system writes it. */
export function uniqueIndexStatement(system: SystemType, table: string, columns: readonly string[]): string {
  const quote = system === 'mysql' ? quoteBacktick : quoteDouble;
  const name = (identifier: string) =>
    /^[a-z_][a-z0-9_]*$/.test(identifier) ? identifier : quote(identifier);
  const parts = splitName(table, 'spec.destination.table');
  const target = parts.map(name).join('.');
  const list = columns.map(name).join(', ');
  switch (system) {
    case 'mysql':
      return `ALTER TABLE ${target} ADD UNIQUE (${list})`;
    case 'sqlite':
      return `CREATE UNIQUE INDEX ${name([parts.at(-1), ...columns, 'key'].join('_'))} ON ${target} (${list})`;
    case 'sqlserver':
      return `CREATE UNIQUE INDEX ${name([parts.at(-1), ...columns, 'key'].join('_'))} ON ${target} (${list})`;
    default:
      return `CREATE UNIQUE INDEX ON ${target} (${list})`;
  }
}
