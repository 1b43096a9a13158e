import { useState } from 'react';
import { call } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { Agent, PlannedMoves } from '../api/types.ts';
import { number } from '../format.ts';
import { Section } from '../parts/page.tsx';
import { Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';
import { MoveList } from './move-list.tsx';
import { MovesButton } from './moves-button.tsx';

const text = strings.agents;

function useReason(): string | undefined {
  const session = useSession();
  return isGranted(session, 'admin', '*') ? undefined : strings.roles.needsAdmin;
}

/** Cordon, drain and uncordon one agent. What is left to move is pushed with the agent. */
export function AgentActions({ agent }: { readonly agent: Agent }) {
  const reason = useReason();
  const { name, state, hold, syncs, midPass } = agent;
  const path = `/agents/${encodeURIComponent(name)}/hold`;
  const setHold = (mode: 'Cordoned' | 'Draining') => () =>
    call<void>(path, { method: 'PUT', body: { mode } });
  const stopping = state === 'Stopping' ? text.isStopping : reason;
  return (
    <>
      <p>
        {text.states[state]}
        {hold && (
          <>
            {' '}
            {text.heldBy(hold.by)}, <Time at={hold.at} />.
          </>
        )}
        {state === 'Draining' && ` ${text.left(number(syncs), number(midPass))}`}
      </p>
      <p className="row-actions">
        {hold?.mode !== 'Cordoned' && (
          <MovesButton
            question={{ action: 'cordon', agent: name }}
            reason={stopping}
            work={setHold('Cordoned')}
          />
        )}
        {hold?.mode !== 'Draining' && (
          <MovesButton
            question={{ action: 'drain', agent: name }}
            kind="danger"
            reason={stopping}
            work={setHold('Draining')}
          />
        )}
        {hold && (
          <MovesButton
            question={{ action: 'uncordon', agent: name }}
            reason={reason}
            work={() => call<void>(path, { method: 'DELETE' })}
          />
        )}
      </p>
    </>
  );
}

export function RebalanceButton({ onDone }: { readonly onDone: (moved: PlannedMoves) => void }) {
  return (
    <MovesButton
      question={{ action: 'rebalance' }}
      reason={useReason()}
      work={() => call<PlannedMoves>('/rebalance', { method: 'POST' })}
      onDone={onDone}
    />
  );
}

/** What a rebalance has moved; stays until the page is left. */
export function useRebalanced() {
  const [moved, setMoved] = useState<PlannedMoves>();
  const outcome = moved && (
    <Section title={text.rebalanced}>
      <p role="status">{text.hasMoved(number(moved.moveCount))}</p>
      <MoveList planned={moved} />
    </Section>
  );
  return { outcome, setMoved };
}
