import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import type { MovesQuestion, PlannedMoves } from '../api/types.ts';
import { number } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { strings } from '../strings.ts';
import { MoveList } from './move-list.tsx';

const text = strings.agents;

interface MovesButtonProps {
  readonly question: MovesQuestion;
  readonly kind?: 'plain' | 'danger';
  readonly reason?: string | undefined;
  readonly work: () => Promise<unknown>;
  readonly onDone: (outcome: unknown) => void;
}

/** Shows first what would move. */
export function MovesButton({ question, kind = 'plain', reason, work, onDone }: MovesButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const { action, agent = '' } = question;
  const doing = useMutation({
    mutationFn: work,
    onSuccess: (outcome) => {
      setOpen(false);
      onDone(outcome);
    },
  });
  const close = () => {
    setOpen(false);
    doing.reset();
  };
  const label = text.actions[action];
  return (
    <>
      <Button kind={kind} reason={reason} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Modal
        title={text.actionTitle(label, agent)}
        description={text.actionTexts[action]}
        isOpen={isOpen}
        onClose={close}
      >
        {isOpen && <Preview question={question} />}
        {doing.error !== null && <Failure error={doing.error} />}
        <div className="dialog-buttons">
          <Button onClick={close}>{strings.cancel}</Button>
          <Button
            kind={kind === 'danger' ? 'danger' : 'primary'}
            isBusy={doing.isPending}
            onClick={() => doing.mutate()}
          >
            {label}
          </Button>
        </div>
      </Modal>
    </>
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
