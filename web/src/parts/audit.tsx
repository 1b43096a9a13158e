import type { AuditEntry } from '../api/types.ts';
import { strings } from '../strings.ts';
import { ObjectLink } from './events.tsx';
import { Empty } from './messages.tsx';
import { type Column, Table } from './table.tsx';
import { Time } from './values.tsx';

const text = strings.audit;

interface AuditTableProps {
  readonly entries: readonly AuditEntry[];
  readonly isOfOne?: boolean;
}

export function AuditTable({ entries, isOfOne = false }: AuditTableProps) {
  if (entries.length === 0) return <Empty title={text.none} />;
  const columns: readonly Column<AuditEntry>[] = [
    { id: 'time', title: text.time, cell: ({ time }) => <Time at={time} /> },
    {
      id: 'who',
      title: text.who,
      cell: ({ by }) => (
        <span title={`${by.ip} ${by.userAgent}`}>
          {by.user}
          {by.token !== undefined && <span className="tag">{text.byToken}</span>}
        </span>
      ),
    },
    { id: 'action', title: text.action, cell: ({ action }) => <code className="nowrap">{action}</code> },
    ...(isOfOne
      ? []
      : [
          {
            id: 'object',
            title: text.object,
            cell: ({ object }: AuditEntry) => <ObjectLink object={object} />,
          },
        ]),
    { id: 'outcome', title: text.outcome, cell: outcome },
    { id: 'what', title: text.what, cell: (entry) => <Change entry={entry} />, isWide: true },
  ];
  return <Table caption={text.title} columns={columns} rows={entries} keyOf={({ id }) => id} />;
}

function outcome({ outcome: of, code }: AuditEntry) {
  return (
    <span className={of === 'Failed' ? 'tone-failed' : ''}>
      {text.outcomes[of]} {code !== undefined && <code>{code}</code>}
    </span>
  );
}

/** Before and after, as far as the change has them. */
function Change({ entry: { before, after } }: { readonly entry: AuditEntry }) {
  if (before === undefined && after === undefined) return null;
  return (
    <details>
      <summary>{text.show}</summary>
      {before !== undefined && (
        <>
          <p className="soft">{text.before}</p>
          <pre>{JSON.stringify(before, null, 2)}</pre>
        </>
      )}
      {after !== undefined && (
        <>
          <p className="soft">{text.after}</p>
          <pre>{JSON.stringify(after, null, 2)}</pre>
        </>
      )}
    </details>
  );
}
