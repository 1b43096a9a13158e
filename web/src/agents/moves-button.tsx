import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { MovesQuestion, PlannedMoves } from '../api/types.ts';
import { number } from '../format.ts';
import { ConfirmButton } from '../parts/confirm.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { strings } from '../strings.ts';
import { MoveList } from './move-list.tsx';

const text = strings.agents;

interface MovesButtonProps<Outcome> {
  readonly question: MovesQuestion;
  readonly kind?: 'plain' | 'danger';
  readonly reason?: string | undefined;
  readonly work: () => Promise<Outcome>;
  readonly onDone?: (outcome: Outcome) => void;
}

/** Shows first what would move. */
export function MovesButton<Outcome>({ question, kind = 'plain', ...rest }: MovesButtonProps<Outcome>) {
  const { action, agent = '' } = question;
  const label = text.actions[action];
  return (
    <ConfirmButton
      {...rest}
      label={label}
      kind={kind}
      title={text.actionTitle(label, agent)}
      question={text.actionTexts[action]}
      details={<Preview question={question} />}
    />
  );
}

/** What cannot be foreseen does not prevent the action: a drain is needed also while no agent leads. */
function Preview({ question }: { readonly question: MovesQuestion }) {
  const { data, error } = useQuery({
    queryKey: ['agent-moves', question.action, question.agent],
    queryFn: ({ signal }) => call<PlannedMoves>('/agent-moves', { method: 'POST', body: question, signal }),
    gcTime: 0,
    staleTime: 0,
  });
  if (error) return <Failure error={error} />;
  if (!data) return <Skeleton lines={3} />;
  return (
    <>
      <p>
        {text.wouldMove(number(data.moveCount))}
        {data.withoutAgentCount > 0 && ` ${text.wouldWait(number(data.withoutAgentCount))}`}
      </p>
      <MoveList planned={data} />
    </>
  );
}
