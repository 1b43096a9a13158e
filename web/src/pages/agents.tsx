import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { AgentActions, RebalanceButton, useRebalanced } from '../agents/agent-actions.tsx';
import { call } from '../api/client.ts';
import { useAgents } from '../api/queries.ts';
import type { Agent, AssignmentList } from '../api/types.ts';
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
  const { outcome, setMoved } = useRebalanced();
  const agent = data?.items.find(({ name }) => name === chosen);
  return (
    <Page title={strings.places.agents} aside={<RebalanceButton onDone={setMoved} />}>
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
      {outcome}
      {agent && <Chosen agent={agent} key={agent.name} />}
    </Page>
  );
}

function Chosen({ agent }: { readonly agent: Agent }) {
  return (
    <>
      <Section title={agent.name}>
        <AgentActions agent={agent} />
      </Section>
      <RunBy agent={agent.name} syncs={agent.syncs} />
    </>
  );
}

/** Which Syncs an agent runs, since when; read again when their number changes. */
function RunBy({ agent, syncs }: { readonly agent: string; readonly syncs: number }) {
  const { data, error } = useQuery({
    queryKey: ['assignments', agent, syncs],
    queryFn: ({ signal }) => call<AssignmentList>('/assignments', { query: { agent, limit: 500 }, signal }),
    staleTime: 0,
    placeholderData: (before) => before,
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
