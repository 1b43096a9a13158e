import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { Discovered, RowsPreview } from '../api/types.ts';
import { bytes, compact, number } from '../format.ts';
import { Button, LinkButton } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Nothing } from '../parts/values.tsx';
import { strings } from '../strings.ts';

const text = strings.discovery;
type Relation = Discovered['items'][number];

interface DiscoveryProps {
  readonly path: string;
  readonly namespace: string;
  readonly dataSource: string;
}

/** What the system has, asked of an agent when the user wants to know. */
export function Discovery({ path, namespace, dataSource }: DiscoveryProps) {
  const session = useSession();
  const reason = isGranted(session, 'editor', namespace) ? undefined : strings.roles.needsEditorIn(namespace);
  const [q, setQ] = useState('');
  const found = useMutation({
    mutationFn: () => call<Discovered>(`${path}/discover`, { method: 'POST', query: { q, limit: 200 } }),
  });
  const [previewed, setPreviewed] = useState<string>();
  const search = (event: FormEvent) => {
    event.preventDefault();
    if (reason === undefined) found.mutate();
  };
  return (
    <Section title={text.title}>
      <form className="list-tools" onSubmit={search}>
        <input
          className="search"
          aria-label={text.search}
          placeholder={text.search}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <Button type="submit" reason={reason} isBusy={found.isPending}>
          {text.show}
        </Button>
      </form>
      {found.error && <Failure error={found.error} />}
      {found.data?.items.length === 0 && <Empty title={text.none} />}
      {found.data && found.data.items.length > 0 && (
        <>
          <p className="soft">{text.count(number(found.data.items.length), number(found.data.total))}</p>
          <Table
            caption={text.title}
            rows={found.data.items}
            keyOf={({ name }) => name}
            columns={[
              { id: 'name', title: text.name, cell: ({ name }) => <code>{name}</code> },
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
                cell: (relation) => <Columns relation={relation} />,
                isWide: true,
              },
              {
                id: 'actions',
                title: text.actions,
                cell: ({ name }) => (
                  <span className="row-actions">
                    <Button kind="quiet" onClick={() => setPreviewed(name)}>
                      {text.preview}
                    </Button>
                    <LinkButton
                      kind="quiet"
                      to={`/syncs/new?${new URLSearchParams({ namespace, source: dataSource, table: name })}`}
                      reason={session.mode === 'single' ? strings.single.readOnly : undefined}
                    >
                      {text.sync}
                    </LinkButton>
                  </span>
                ),
              },
            ]}
          />
        </>
      )}
      <Modal
        title={previewed ?? ''}
        description={text.masked}
        isOpen={previewed !== undefined}
        onClose={() => setPreviewed(undefined)}
        size="large"
      >
        {previewed !== undefined && <Preview key={previewed} path={path} table={previewed} />}
      </Modal>
    </Section>
  );
}

function Columns({ relation: { columns } }: { readonly relation: Relation }) {
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

interface PreviewRow {
  readonly values: readonly (string | null)[];
  readonly index: number;
}

function Preview({ path, table }: { readonly path: string; readonly table: string }) {
  const preview = useQuery({
    queryKey: ['preview', path, table],
    queryFn: ({ signal }) =>
      call<RowsPreview>(`${path}/preview`, { method: 'POST', body: { object: { table }, rows: 10 }, signal }),
    retry: false,
  });
  if (preview.error) return <Failure error={preview.error} />;
  if (!preview.data) return <Skeleton lines={6} />;
  const { columns, rows } = preview.data;
  return (
    <Table
      caption={table}
      rows={rows.map((values, index): PreviewRow => ({ values, index }))}
      keyOf={({ index }) => String(index)}
      columns={columns.map(({ name }, at) => ({
        id: name,
        title: name,
        cell: ({ values }: PreviewRow) => values[at] ?? <span className="faint">NULL</span>,
      }))}
    />
  );
}
