import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { RowsPreview } from '../api/types.ts';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Table } from '../parts/table.tsx';

interface PreviewRow {
  readonly values: readonly (string | null)[];
  readonly index: number;
}

interface PreviewProps {
  readonly path: string;
  readonly field: string;
  readonly name: string;
}

/** The first rows, which the agent has masked. */
export function Preview({ path, field, name }: PreviewProps) {
  const preview = useQuery({
    queryKey: ['preview', path, name],
    queryFn: ({ signal }) =>
      call<RowsPreview>(`${path}/preview`, {
        method: 'POST',
        body: { object: { [field]: name }, rows: 10 },
        signal,
      }),
    retry: false,
  });
  if (preview.error) return <Failure error={preview.error} />;
  if (!preview.data) return <Skeleton lines={6} />;
  const { columns, rows } = preview.data;
  return (
    <Table
      caption={name}
      rows={rows.map((values, index): PreviewRow => ({ values, index }))}
      keyOf={({ index }) => String(index)}
      columns={columns.map((column, at) => ({
        id: column.name,
        title: column.name,
        cell: ({ values }: PreviewRow) => values[at] ?? <span className="faint">NULL</span>,
      }))}
    />
  );
}
