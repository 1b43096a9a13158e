import { flexRender, getCoreRowModel, type Table, useReactTable } from '@tanstack/react-table';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useMemo, useRef } from 'react';
import type { SyncRow } from '../api/types.ts';
import { useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { useMedia } from '../theme.ts';
import { columns } from './columns.tsx';
import { useRowKeys } from './row-keys.ts';
import { LagTrendContext } from './sparkline.tsx';
import { useColumnSizes } from './use-column-sizes.ts';
import type { SyncWindow } from './use-window.ts';

const text = strings.syncs;

interface SyncTableProps {
  readonly window: SyncWindow;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  /** What is on screen now. */
  readonly onRange: (first: number, last: number) => void;
  readonly hidden: ReadonlySet<string>;
  readonly isDense: boolean;
}

export const keyOf = ({ namespace, name }: SyncRow) => `${namespace}/${name}`;

/** A table of any length, of which only the rows on screen exist. */
export function SyncTable({ window: shown, chosen, onChoose, onRange, hidden, isDense }: SyncTableProps) {
  const place = useRef<HTMLDivElement>(null);
  const isNarrow = useMedia('(max-width: 700px)');
  // Before the first answer: rows that are awaited.
  const total = shown.total ?? 12;
  const rowHeight = isNarrow ? 64 : isDense ? 32 : 40;
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => place.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: all rows have this height
  useEffect(() => virtual.measure(), [rowHeight]);
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  // Pages that are only passed while scrolling are not asked for.
  useEffect(() => {
    const timer = setTimeout(() => onRange(first, last), virtual.isScrolling ? 80 : 0);
    return () => clearTimeout(timer);
  }, [first, last, onRange, virtual.isScrolling]);
  const rows = items.map(({ index }) => shown.rowAt(index));
  const table = useTable(rows, hidden);
  const toggle = (row: SyncRow) => {
    const next = new Set(chosen);
    if (!next.delete(keyOf(row))) next.add(keyOf(row));
    onChoose(next);
  };
  const active = useRowKeys({
    total,
    rowAt: shown.rowAt,
    toggle,
    scrollTo: (index) => virtual.scrollToIndex(index),
  });
  const widths = table
    .getVisibleLeafColumns()
    .map((column, index, all) =>
      index === all.length - 1 ? `minmax(${column.getSize()}px, 1fr)` : `${column.getSize()}px`,
    );
  const style = { '--columns': `36px ${widths.join(' ')}` } as CSSProperties;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <div className="grid-place" ref={place} tabIndex={0} role="region" aria-label={strings.places.syncs}>
      <div
        role="table"
        aria-label={strings.places.syncs}
        aria-rowcount={total + 1}
        className="grid"
        style={style}
      >
        <HeadRow table={table} chosen={chosen} rows={rows} onChoose={onChoose} />
        <div role="rowgroup" className="grid-rows" style={{ height: virtual.getTotalSize() }}>
          <LagTrendContext value={shown.lagTrends}>
            <Rows {...{ table, virtual, rows, chosen, toggle, active }} />
          </LagTrendContext>
        </div>
      </div>
    </div>
  );
}

function useTable(rows: readonly (SyncRow | undefined)[], hidden: ReadonlySet<string>): Table<SyncRow> {
  const [columnSizing, onColumnSizingChange] = useColumnSizes();
  const columnVisibility = useMemo(() => Object.fromEntries([...hidden].map((id) => [id, false])), [hidden]);
  const data = useMemo(() => rows.flatMap((row) => row ?? []), [rows]);
  return useReactTable({
    data,
    columns,
    getRowId: ({ uid }) => uid,
    getCoreRowModel: getCoreRowModel(),
    manualSorting: true,
    manualPagination: true,
    // The rows are others with each scroll; resetting a page, which there is none, would render without an end.
    autoResetAll: false,
    columnResizeMode: 'onChange',
    state: { columnVisibility, columnSizing },
    onColumnSizingChange,
  });
}

interface HeadProps {
  readonly table: Table<SyncRow>;
  readonly rows: readonly (SyncRow | undefined)[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

function HeadRow({ table, rows, chosen, onChoose }: HeadProps) {
  const loaded = rows.flatMap((row) => (row ? [keyOf(row)] : []));
  const isAll = loaded.length > 0 && loaded.every((key) => chosen.has(key));
  return (
    <div role="rowgroup" className="grid-head">
      <div role="row" className="grid-row" aria-rowindex={1}>
        <span role="columnheader" className="cell-check">
          <input
            type="checkbox"
            aria-label={text.chooseAll}
            checked={isAll}
            onChange={() => onChoose(isAll ? new Set() : new Set([...chosen, ...loaded]))}
          />
        </span>
        {table.getLeafHeaders().map((header) => (
          <HeadCell key={header.id} header={header} />
        ))}
      </div>
    </div>
  );
}

function HeadCell({ header }: { readonly header: ReturnType<Table<SyncRow>['getLeafHeaders']>[number] }) {
  const [search, setSearch] = useSearch();
  const { columnDef, id } = header.column;
  const { sort, isNumber } = columnDef.meta ?? {};
  const current = search.get('sort') ?? 'attention';
  const direction = current === sort ? 'ascending' : current === `-${sort}` ? 'descending' : undefined;
  // Numbers and times: the largest first.
  const next =
    direction === undefined ? (isNumber ? `-${sort}` : sort) : direction === 'ascending' ? `-${sort}` : sort;
  const title = flexRender(columnDef.header, header.getContext());
  return (
    <span role="columnheader" aria-sort={direction} className={`cell cell-${id} ${isNumber ? 'right' : ''}`}>
      {sort === undefined ? (
        title
      ) : (
        <button type="button" className="sort" onClick={() => setSearch({ sort: next })}>
          {title}
          <span aria-hidden="true">
            {direction === undefined ? '' : direction === 'ascending' ? ' ↑' : ' ↓'}
          </span>
        </button>
      )}
      <span className="resize" aria-hidden="true" onMouseDown={header.getResizeHandler()} />
    </span>
  );
}

interface RowsProps {
  readonly table: Table<SyncRow>;
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
  readonly rows: readonly (SyncRow | undefined)[];
  readonly chosen: ReadonlySet<string>;
  readonly toggle: (row: SyncRow) => void;
  readonly active: number;
}

function Rows({ table, virtual, rows, chosen, toggle, active }: RowsProps) {
  const known = table.getRowModel().rowsById;
  return virtual.getVirtualItems().map(({ index, start, size, key }, at) => {
    const row = rows[at];
    const place = { transform: `translateY(${start}px)`, height: size };
    if (!row)
      return (
        <div key={key} role="row" aria-rowindex={index + 2} className="grid-row" style={place}>
          <span role="cell" className="cell cell-awaited">
            <span className="skeleton" />
          </span>
        </div>
      );
    const isChosen = chosen.has(keyOf(row));
    return (
      <div
        key={key}
        role="row"
        aria-rowindex={index + 2}
        className={`grid-row ${index === active ? 'is-active' : ''} ${isChosen ? 'is-chosen' : ''}`}
        style={place}
      >
        <span role="cell" className="cell-check">
          <input
            type="checkbox"
            aria-label={text.choose(keyOf(row))}
            checked={isChosen}
            onChange={() => toggle(row)}
          />
        </span>
        {known[row.uid]?.getVisibleCells().map((cell) => (
          <span
            key={cell.id}
            role="cell"
            className={`cell cell-${cell.column.id} ${cell.column.columnDef.meta?.isNumber ? 'right number' : ''}`}
          >
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </span>
        ))}
      </div>
    );
  });
}
