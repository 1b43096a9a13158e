import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { strings } from '../strings.ts';
import { Button } from './button.tsx';
import { Modal } from './dialog.tsx';
import { Failure } from './messages.tsx';

interface ConfirmProps<Outcome> {
  readonly label: string;
  readonly title: string;
  readonly question: ReactNode;
  /** Below the question, made when it is asked. */
  readonly details?: ReactNode;
  readonly kind?: 'danger' | 'plain';
  readonly reason?: string | undefined;
  readonly work: () => Promise<Outcome>;
  readonly onDone?: (outcome: Outcome) => void;
}

/** A button that asks first; what went wrong stays in the question. */
export function ConfirmButton<Outcome>(props: ConfirmProps<Outcome>) {
  const { label, title, question, details, kind = 'danger', reason, work, onDone } = props;
  const [isOpen, setOpen] = useState(false);
  const doing = useMutation({
    mutationFn: work,
    onSuccess: (outcome) => {
      setOpen(false);
      onDone?.(outcome);
    },
  });
  const close = () => {
    setOpen(false);
    doing.reset();
  };
  return (
    <>
      <Button kind={kind} reason={reason} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Modal title={title} description={question} isOpen={isOpen} onClose={close}>
        {isOpen && details}
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

/** A button that does something at once, and says below what was answered. */
export function ActionButton({
  label,
  work,
  kind = 'plain',
  reason,
}: {
  readonly label: string;
  readonly work: () => Promise<string | undefined>;
  readonly kind?: 'primary' | 'plain';
  readonly reason?: string | undefined;
}) {
  const doing = useMutation({ mutationFn: work });
  return (
    <span className="action">
      <Button kind={kind} reason={reason} isBusy={doing.isPending} onClick={() => doing.mutate()}>
        {label}
      </Button>
      {doing.error !== null && <Failure error={doing.error} />}
      {doing.isSuccess && doing.data !== undefined && (
        <span role="status" className="soft">
          {doing.data}
        </span>
      )}
    </span>
  );
}
