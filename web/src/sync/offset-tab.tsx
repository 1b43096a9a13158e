import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { call, objectPath } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { Offset, OffsetEffect, Requested, RequestList, SyncDetail } from '../api/types.ts';
import { number } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { ConfirmButton } from '../parts/confirm.tsx';
import { TextField } from '../parts/field.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Copyable, Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';

const text = strings.offset;

export function OffsetTab({ detail }: { readonly detail: SyncDetail }) {
  const path = objectPath('syncs', detail.row.namespace, detail.row.name);
  const shown = detail.object.status?.offset;
  const { data, error, refetch } = useQuery({
    queryKey: ['offset', path],
    queryFn: ({ signal }) => call<Offset>(`${path}/offset`, { signal }),
    staleTime: 0,
  });
  // Pushed with the status: read it and its history again only then.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when these change
  useEffect(() => {
    void refetch();
  }, [shown, detail.row.state]);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton lines={6} />;
  const reload = () => void refetch();
  return (
    <>
      <Section title={text.stored}>
        <p>{data.offset === 'none' ? text.none : <Copyable text={data.offset} label={text.stored} />}</p>
        {data.offset !== 'none' && <p className="soft">{text.what}</p>}
      </Section>
      <EditOffset detail={detail} stored={data} path={path} onDone={reload} />
      <History stored={data} path={path} detail={detail} onDone={reload} />
      <Requests path={path} state={`${shown} ${detail.row.state}`} />
    </>
  );
}

interface PartProps {
  readonly detail: SyncDetail;
  readonly stored: Offset;
  readonly path: string;
  readonly onDone: () => void;
}

function useReason({ row }: SyncDetail): string | undefined {
  const session = useSession();
  if (!isGranted(session, 'editor', row.namespace)) return strings.roles.needsEditorIn(row.namespace);
  return row.state === 'Suspended' ? undefined : text.needsSuspended;
}

function EditOffset({ detail, stored, path, onDone }: PartProps) {
  const reason = useReason(detail);
  // What is typed belongs to the offset that was shown then; before, the field follows the stored one.
  const [draft, setDraft] = useState<{ readonly value: string; readonly expect: string }>();
  const { value, expect } = draft ?? {
    value: stored.offset === 'none' ? '' : stored.offset,
    expect: stored.offset,
  };
  const setting = useMutation({
    mutationFn: () =>
      call<Requested>(`${path}/offset`, {
        method: 'PUT',
        query: { wait: 30 },
        body: { value: value.trim(), expect },
      }),
    onSuccess: () => setDraft(undefined),
    onSettled: onDone,
  });
  const trying = useMutation({
    mutationFn: () =>
      call<OffsetEffect>(`${path}/offset/dry-run`, { method: 'POST', body: { value: value.trim() } }),
  });
  const isEditor = isGranted(useSession(), 'editor', detail.row.namespace);
  const change = (draft: { readonly value: string; readonly expect: string }) => {
    setDraft(draft);
    // Of another value.
    trying.reset();
  };
  const hasMoved = expect !== stored.offset;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setting.mutate();
  };
  return (
    <Section title={text.edit}>
      <form className="form form-wide" onSubmit={submit}>
        <TextField
          label={text.value}
          hint={text.valueHint}
          required
          value={value}
          onChange={(event) => change({ value: event.target.value, expect })}
        />
        <p className="soft">
          {text.expected} <code>{expect}</code>
        </p>
        {hasMoved && !setting.isPending && (
          <p className="note">
            <span>
              {text.moved(stored.offset)}{' '}
              <Button kind="quiet" onClick={() => setDraft({ value, expect: stored.offset })}>
                {text.takeNew}
              </Button>
            </span>
          </p>
        )}
        {trying.error && <Failure error={trying.error} />}
        {trying.data && <Effect effect={trying.data} />}
        {setting.error && <Failure error={setting.error} />}
        {setting.data && <p role="status">{setting.data.message}</p>}
        <div className="row-actions">
          <Button
            reason={isEditor ? undefined : reason}
            isBusy={trying.isPending}
            onClick={() => trying.mutate()}
          >
            {text.try}
          </Button>
          <Button type="submit" kind="primary" reason={reason} isBusy={setting.isPending}>
            {text.set}
          </Button>
        </div>
      </form>
    </Section>
  );
}

/** What the dry run has counted. */
function Effect({ effect: { readAgain, skipped, uncounted } }: { readonly effect: OffsetEffect }) {
  if (!readAgain || !skipped) return <p role="status">{text.uncounted(uncounted ?? '')}</p>;
  const countOf = ({ rows, precision }: NonNullable<OffsetEffect['skipped']>) =>
    text.precisions[precision](number(rows));
  return (
    <p role="status">
      {readAgain.rows > 0 && text.readAgain(countOf(readAgain))}
      {skipped.rows > 0 && text.skipped(countOf(skipped))}
      {readAgain.rows + skipped.rows === 0 && text.noEffect}
    </p>
  );
}

function History({ detail, stored: { history }, path, onDone }: PartProps) {
  const reason = useReason(detail);
  if (history === null) return null;
  // A restart is no change that can be undone.
  const last = history.findLast(({ action }) => action === 'set' || action === 'undo');
  return (
    <Section
      title={text.history}
      aside={
        last && (
          <ConfirmButton
            label={text.undo}
            kind="plain"
            title={text.undoTitle}
            question={text.undoQuestion(last.to, last.from)}
            reason={reason}
            work={() =>
              call<Requested>(`${path}/offset/undo`, {
                method: 'POST',
                query: { wait: 30 },
                body: { change: { from: last.from, to: last.to } },
              })
            }
            onDone={onDone}
          />
        )
      }
    >
      {history.length === 0 ? (
        <Empty title={text.noHistory} />
      ) : (
        <Table
          caption={text.history}
          rows={history.toReversed()}
          keyOf={({ time, action }) => `${time} ${action}`}
          columns={[
            { id: 'time', title: text.time, cell: ({ time }) => <Time at={time} /> },
            { id: 'by', title: text.by, cell: ({ by }) => by },
            { id: 'action', title: text.action, cell: ({ action }) => <code>{action}</code> },
            { id: 'from', title: text.from, cell: ({ from }) => <code>{from}</code> },
            { id: 'to', title: text.to, cell: ({ to }) => <code>{to}</code> },
          ]}
        />
      )}
    </Section>
  );
}

/** What was asked of its agent, and what it has answered. */
function Requests({ path, state }: { readonly path: string; readonly state: string }) {
  const { data } = useQuery({
    queryKey: ['requests', path, state],
    queryFn: ({ signal }) => call<RequestList>(`${path}/requests`, { signal }),
    placeholderData: (before) => before,
  });
  if (!data || data.pending.length + data.answers.length === 0) return null;
  return (
    <Section title={text.requests}>
      <ul className="plain-list">
        {data.pending.map(({ id, type, by }) => (
          <li key={id}>
            <code>{type}</code> {text.waits}{' '}
            {by !== undefined && <span className="soft">{text.askedBy(by)}</span>}
          </li>
        ))}
        {data.answers.map(({ id, type, state: outcome, message, time }) => (
          <li key={id}>
            <code>{type}</code> {text.outcomes[outcome]}, <Time at={time} />: {message}
          </li>
        ))}
      </ul>
    </Section>
  );
}
