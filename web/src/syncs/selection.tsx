import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Query } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { BulkAction, BulkResult } from '../api/types.ts';
import { number } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure } from '../parts/messages.tsx';
import { Glyph } from '../parts/state.tsx';
import { strings } from '../strings.ts';
import { matchQuery } from './list-query.ts';

const text = strings.selection;

export interface SelectionBarProps {
  /** `namespace/name` */
  readonly chosen: ReadonlySet<string>;
  readonly query: Query;
  readonly total: number;
  readonly onClear: () => void;
}

const actions = ['suspend', 'resume', 'run-now', 'label', 'delete'] as const satisfies readonly BulkAction[];
type Action = (typeof actions)[number];

/** What can be done with the chosen Syncs at once. The outcome of each stays on the page until it is dismissed. */
export function SelectionBar({ chosen, query, total, onClear }: SelectionBarProps) {
  const session = useSession();
  const [isAll, setAll] = useState(false);
  const [action, setAction] = useState<Action>();
  const [label, setLabel] = useState('');
  const count = isAll ? total : chosen.size;
  const doing = useMutation({
    mutationFn: (what: Action) =>
      call<BulkResult>('/sync-actions', {
        method: 'POST',
        body: {
          action: what,
          ...(isAll ? { query: matchQuery(query), expected: total } : { targets: targetsOf(chosen) }),
          ...(what === 'label' && { labels: labelOf(label) }),
        },
      }),
    onSuccess: () => {
      setAction(undefined);
      setAll(false);
      onClear();
    },
  });
  const close = () => {
    setAction(undefined);
    doing.reset();
  };
  return (
    <>
      {chosen.size > 0 && (
        <div className="selection" role="toolbar" aria-label={text.title}>
          <span>{text.chosen(count)}</span>
          {!isAll && total > chosen.size && (
            <Button kind="quiet" onClick={() => setAll(true)}>
              {text.all(total)}
            </Button>
          )}
          {actions.map((each) => (
            <Button key={each} reason={reasonAgainst(each, session)} onClick={() => setAction(each)}>
              {text.actions[each]}
            </Button>
          ))}
          <Button kind="quiet" onClick={onClear}>
            {text.clear}
          </Button>
        </div>
      )}
      {doing.data && <Outcome result={doing.data} onClose={doing.reset} />}
      <Modal
        title={action ? text.question(text.actions[action], count) : ''}
        description={isAll ? text.allMatching(count) : <ChosenNames chosen={chosen} />}
        isOpen={action !== undefined}
        onClose={close}
      >
        <form
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            if (action) doing.mutate(action);
          }}
        >
          {action === 'delete' && <p>{text.deleteText}</p>}
          {action === 'label' && (
            <TextField
              label={text.label}
              hint={text.labelHint}
              required
              pattern="[^=\s]+=?[^=\s]*"
              value={label}
              onChange={(event) => setLabel(event.target.value)}
            />
          )}
          {doing.error && <Failure error={doing.error} />}
          <div className="dialog-buttons">
            <Button onClick={close}>{strings.cancel}</Button>
            <Button type="submit" kind={action === 'delete' ? 'danger' : 'primary'} isBusy={doing.isPending}>
              {action && text.actions[action]}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}

function reasonAgainst(action: Action, session: ReturnType<typeof useSession>): string | undefined {
  if (!isGranted(session, 'editor')) return strings.roles.needsEditor;
  if (session.mode === 'single' && action !== 'run-now') return strings.single.readOnly;
  return undefined;
}

function targetsOf(chosen: ReadonlySet<string>) {
  return [...chosen].map((key) => {
    const [namespace = '', name = ''] = key.split('/');
    return { namespace, name };
  });
}

/** `team=a` sets, `team` deletes. */
function labelOf(label: string): Record<string, string | null> {
  const [name = '', value] = label.trim().split('=', 2);
  return { [name]: value === undefined || value === '' ? null : value };
}

const mostNames = 10;

function ChosenNames({ chosen }: { readonly chosen: ReadonlySet<string> }) {
  const names = [...chosen];
  return (
    <ul className="names">
      {names.slice(0, mostNames).map((name) => (
        <li key={name}>{name}</li>
      ))}
      {names.length > mostNames && <li>{text.andMore(names.length - mostNames)}</li>}
    </ul>
  );
}

function Outcome({ result, onClose }: { readonly result: BulkResult; readonly onClose: () => void }) {
  const refused = result.items.filter(({ outcome }) => outcome === 'refused');
  return (
    <div className={refused.length > 0 ? 'note note-failed' : 'note'} role="status">
      <Glyph shape={refused.length > 0 ? 'failed' : 'completed'} />
      <div>
        <p>
          {text.outcome(number(result.done), number(result.refused))}{' '}
          <Button kind="quiet" onClick={onClose}>
            {strings.dismiss}
          </Button>
        </p>
        <ul className="names">
          {refused.slice(0, 50).map(({ namespace, name, code, message }) => (
            <li key={`${namespace}/${name}`}>
              {namespace}/{name}: <code>{code}</code> {message}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
