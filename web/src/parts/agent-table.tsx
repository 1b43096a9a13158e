import type { Agent } from '../api/types.ts';
import { number } from '../format.ts';
import { Link } from '../router.tsx';
import { strings } from '../strings.ts';
import { type Column, Table } from './table.tsx';
import { Nothing, Time } from './values.tsx';

const text = strings.agents;

interface AgentTableProps {
  readonly agents: readonly Agent[];
  readonly isShort?: boolean;
  readonly chosen?: string | undefined;
  readonly onChoose?: (agent: string) => void;
}

export function AgentTable({ agents, isShort = false, chosen, onChoose }: AgentTableProps) {
  const most = Math.max(1, ...agents.map(({ load }) => load));
  const columns: readonly Column<Agent>[] = [
    {
      id: 'name',
      title: text.name,
      cell: ({ name, isLeader, state }) => (
        <>
          {name}
          {isLeader && <span className="tag">{text.leader}</span>}
          {state !== 'Ready' && <span className="tag">{text.states[state]}</span>}
        </>
      ),
    },
    {
      id: 'syncs',
      title: strings.places.syncs,
      isNumber: true,
      cell: ({ name, syncs }) =>
        onChoose ? (
          <button
            type="button"
            className="jump number"
            aria-expanded={chosen === name}
            aria-label={text.show(name, syncs)}
            onClick={() => onChoose(name)}
          >
            {number(syncs)}
          </button>
        ) : (
          <Link to={`/syncs?agent=${encodeURIComponent(name)}`} aria-label={text.show(name, syncs)}>
            {number(syncs)}
          </Link>
        ),
    },
    { id: 'load', title: text.load, cell: ({ load }) => <Load share={load / most} value={load} /> },
    ...(isShort ? [] : longColumns),
  ];
  return <Table caption={strings.places.agents} columns={columns} rows={agents} keyOf={({ name }) => name} />;
}

const longColumns: readonly Column<Agent>[] = [
  { id: 'version', title: text.version, cell: ({ version }) => <code>{version}</code> },
  { id: 'joined', title: text.joined, cell: ({ joinedAt }) => <Time at={joinedAt} /> },
  {
    id: 'labels',
    title: strings.labels,
    isWide: true,
    cell: ({ labels }) =>
      Object.keys(labels).length === 0 ? (
        <Nothing />
      ) : (
        Object.entries(labels).map(([name, value]) => (
          <code key={name} className="tag">
            {name}={value}
          </code>
        ))
      ),
  },
];

function Load({ share, value }: { readonly share: number; readonly value: number }) {
  return (
    <span className="load" title={String(value)}>
      <span className="load-bar" aria-hidden="true">
        <span style={{ width: `${Math.round(share * 100)}%` }} />
      </span>
      <span className="number">{value.toFixed(1)}</span>
    </span>
  );
}
