import type { PlannedMoves } from '../api/types.ts';
import { Table } from '../parts/table.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';

const text = strings.agents;
type Move = PlannedMoves['moves'][number];

/** Which Syncs move where, and which could run nowhere. */
export function MoveList({ planned }: { readonly planned: PlannedMoves }) {
  const { moves, withoutAgent } = planned;
  return (
    <>
      {moves.length > 0 && (
        <Table
          caption={text.movesOf}
          rows={moves}
          keyOf={({ uid }) => uid}
          columns={[
            { id: 'sync', title: strings.syncs.name, cell: (move) => <Name {...move} /> },
            { id: 'from', title: text.from, cell: ({ from = '' }) => from },
            {
              id: 'to',
              title: text.to,
              cell: ({ to, isMidPass }) => (
                <>
                  {to}
                  {isMidPass && <span className="tag">{text.afterPass}</span>}
                </>
              ),
            },
          ]}
        />
      )}
      {withoutAgent.length > 0 && (
        <ul className="plain-list">
          {withoutAgent.map((each) => (
            <li key={each.uid}>
              <Name {...each} />: {each.message}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Name({ namespace, name }: Pick<Move, 'namespace' | 'name'>) {
  return (
    <Link to={syncLink(namespace, name)}>
      <span className="faint">{namespace}/</span>
      {name}
    </Link>
  );
}
