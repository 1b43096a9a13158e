import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useAgents } from '../api/queries.ts';
import type { AssignmentList } from '../api/types.ts';
import { number } from '../format.ts';
import { AgentTable } from '../parts/agent-table.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/values.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';

const text = strings.agents;

export function AgentsPage() {
  const { data, error, refetch } = useAgents(true);
  const [chosen, setChosen] = useState<string>();
  return (
    <Page title={strings.places.agents}>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton lines={4} />}
      {data?.items.length === 0 && (
        <Empty title={text.none}>
          <p>{text.noneText}</p>
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <AgentTable agents={data.items} onChoose={setChosen} chosen={chosen} />
      )}
      {chosen !== undefined && <RunBy agent={chosen} />}
    </Page>
  );
}

/** Which Syncs an agent runs, since when. */
function RunBy({ agent }: { readonly agent: string }) {
  const { data, error } = useQuery({
    queryKey: ['assignments', agent],
    queryFn: ({ signal }) => call<AssignmentList>('/assignments', { query: { agent, limit: 500 }, signal }),
    staleTime: 0,
  });
  return (
    <Section
      title={text.runBy(agent)}
      aside={<Link to={`/syncs?agent=${encodeURIComponent(agent)}`}>{text.inList}</Link>}
    >
      {error && <Failure error={error} />}
      {!data && !error && <Skeleton lines={4} />}
      {data && (
        <Table
          caption={text.runBy(agent)}
          rows={data.items}
          keyOf={({ uid }) => uid}
          columns={[
            {
              id: 'sync',
              title: strings.syncs.name,
              cell: ({ namespace = '', name = '' }) => (
                <Link to={syncLink(namespace, name)}>
                  <span className="faint">{namespace}/</span>
                  {name}
                </Link>
              ),
            },
            { id: 'since', title: text.since, cell: ({ assignedAt }) => <Time at={assignedAt} /> },
            {
              id: 'moves',
              title: text.moves,
              isNumber: true,
              cell: ({ recentMoves = 0 }) => number(recentMoves),
            },
          ]}
        />
      )}
    </Section>
  );
}
