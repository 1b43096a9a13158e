import type { ReactNode } from 'react';
import type { Discovered } from '../api/types.ts';
import { bytes, compact, number } from '../format.ts';
import { type Column, Table } from '../parts/table.tsx';
import { Nothing } from '../parts/values.tsx';
import { strings } from '../strings.ts';

const text = strings.discovery;
export type Relation = Discovered['items'][number];

interface RelationTableProps {
  readonly relations: readonly Relation[];
  readonly name: (name: string) => ReactNode;
  readonly before?: readonly Column<Relation>[];
  readonly after?: readonly Column<Relation>[];
}

/** What an agent has found: names with sizes, keys and columns. */
export function RelationTable({ relations, name, before = [], after = [] }: RelationTableProps) {
  return (
    <Table
      caption={text.title}
      rows={relations}
      keyOf={(relation) => relation.name}
      columns={[
        ...before,
        { id: 'name', title: text.name, cell: (relation) => name(relation.name) },
        ...facts,
        ...after,
      ]}
    />
  );
}

const facts: readonly Column<Relation>[] = [
  {
    id: 'rows',
    title: text.rows,
    isNumber: true,
    cell: ({ estimatedRows: rows }) =>
      rows === undefined ? <Nothing /> : <span title={number(rows)}>{compact(rows)}</span>,
  },
  {
    id: 'size',
    title: text.size,
    isNumber: true,
    isWide: true,
    cell: ({ estimatedBytes: size }) => (size === undefined ? <Nothing /> : bytes(size)),
  },
  {
    id: 'key',
    title: text.key,
    cell: ({ keys }) => (keys[0] ? <code>{keys[0].join(', ')}</code> : text.noKey),
  },
  {
    id: 'columns',
    title: text.columns,
    isWide: true,
    cell: ({ columns }) => <Columns columns={columns} />,
  },
];

function Columns({ columns }: Pick<Relation, 'columns'>) {
  if (columns.length === 0) return <Nothing />;
  return (
    <details>
      <summary>{text.columnCount(columns.length)}</summary>
      <ul className="plain-list">
        {columns.map(({ name, type, isNullable }) => (
          <li key={name}>
            <code>{name}</code>{' '}
            <span className="soft">
              {type}
              {isNullable ? '' : ` ${text.notNull}`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
