import { createColumnHelper, type RowData } from '@tanstack/react-table';
import type { SyncRow } from '../api/types.ts';
import { compact, number, rate } from '../format.ts';
import { StateMark } from '../parts/state.tsx';
import { Nothing, Time } from '../parts/values.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { Sparkline } from './sparkline.tsx';

declare module '@tanstack/react-table' {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** As the server sorts. */
    readonly sort?: string;
    readonly isNumber?: boolean;
    readonly _types?: readonly [TData, TValue];
  }
}

const column = createColumnHelper<SyncRow>();
const text = strings.syncs;

export const columns = [
  column.display({
    id: 'state',
    header: text.state,
    size: 116,
    meta: { sort: 'state' },
    cell: ({ row: { original } }) => <StateMark state={original.state} attention={original.attention} />,
  }),
  column.display({
    id: 'name',
    header: text.name,
    size: 168,
    enableHiding: false,
    meta: { sort: 'name' },
    cell: ({ row: { original } }) => (
      <Link to={syncLink(original.namespace, original.name)} title={`${original.namespace}/${original.name}`}>
        <span className="faint">{original.namespace}/</span>
        {original.name}
      </Link>
    ),
  }),
  column.display({
    id: 'flow',
    header: text.flow,
    size: 184,
    meta: { sort: 'source' },
    cell: ({ row: { original } }) => <Flow {...original} />,
  }),
  column.accessor('mode', { header: text.mode, size: 100 }),
  column.display({
    id: 'lag',
    header: text.lag,
    size: 112,
    meta: { sort: 'lag', isNumber: true },
    cell: ({ row: { original } }) => (
      <>
        <Sparkline uid={original.uid} name={original.name} />
        {original.lagSeconds === undefined ? (
          <Nothing />
        ) : (
          <span title={text.seconds(original.lagSeconds)}>{original.lag}</span>
        )}
      </>
    ),
  }),
  column.display({
    id: 'rate',
    header: text.rate,
    size: 64,
    meta: { sort: 'rate', isNumber: true },
    cell: ({ row: { original } }) => rate(original.rowsPerSecond) || <Nothing />,
  }),
  column.display({
    id: 'rows',
    header: text.rows,
    size: 64,
    meta: { sort: 'rows', isNumber: true },
    cell: ({ row: { original } }) => <span title={number(original.rows)}>{compact(original.rows)}</span>,
  }),
  column.display({
    id: 'lastSync',
    header: text.lastSync,
    size: 104,
    meta: { sort: 'lastSync' },
    cell: ({ row: { original } }) => <Time at={original.lastSyncTime} />,
  }),
  column.display({
    id: 'agent',
    header: text.agent,
    size: 110,
    meta: { sort: 'agent' },
    cell: ({ row: { original } }) => original.agent || <Nothing />,
  }),
  column.display({
    id: 'message',
    header: text.message,
    size: 140,
    cell: ({ row: { original } }) => (
      <span title={original.message}>
        {original.errorCode !== undefined && <code>{original.errorCode} </code>}
        {original.message}
      </span>
    ),
  }),
];

/** What the filters say as well is shown on request. */
export const hiddenAtFirst = 'mode,agent,lastSync';

export function Flow({ source, destination }: Pick<SyncRow, 'source' | 'destination'>) {
  const label = (end: SyncRow['source']) => `${end.dataSource} · ${end.object}`;
  return (
    <span title={`${label(source)} → ${label(destination)}`}>
      {source.dataSource} <span className="faint">{source.object}</span> → {destination.dataSource}{' '}
      <span className="faint">{destination.object}</span>
    </span>
  );
}
