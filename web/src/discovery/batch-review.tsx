import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { call } from '../api/client.ts';
import { useDataSources } from '../api/queries.ts';
import type { BulkResult, DataSourceRow } from '../api/types.ts';
import { useSettled } from '../editor/use-settled.ts';
import { compact } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Failure } from '../parts/messages.tsx';
import { Glyph } from '../parts/state.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Nothing } from '../parts/values.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { type BatchItem, batchOf, fitted, usualSettings } from './batch.ts';
import { BatchForm } from './batch-form.tsx';
import type { Relation } from './relation-table.tsx';

const text = strings.manySyncs;
type Outcome = BulkResult['items'][number];

interface BatchReviewProps {
  readonly source: DataSourceRow;
  readonly relations: readonly Relation[];
  readonly onClose: () => void;
}

/** One Sync for each table: what they have in common, and what the server says about each, before and after they are created. */
export function BatchReview({ source, relations, onClose }: BatchReviewProps) {
  const { namespace } = source;
  const [written, setWritten] = useState(usualSettings);
  const { data: ends } = useDataSources({ namespace, limit: 500 });
  const destination = ends?.items.find(({ name }) => name === written.destination);
  const settings = useMemo(() => fitted(written, source, destination), [written, source, destination]);
  const batch = useMemo(
    () => batchOf(settings, source, destination, relations),
    [settings, source, destination, relations],
  );
  const isReady = settings.destination !== '';
  const check = useBatchCheck(namespace, batch, isReady);
  const creating = useMutation({ mutationFn: () => send(namespace, batch, false) });
  const { data: made } = creating;
  const result = made ?? check.result;
  const rows = relations.map((relation, index) => ({
    relation,
    item: batch[index],
    outcome: result?.items[index],
  }));
  const count = check.result?.done ?? 0;
  return (
    <>
      <BatchForm
        settings={settings}
        dataSources={ends?.items ?? []}
        source={source}
        destination={destination}
        onChange={(changed) => {
          creating.reset();
          setWritten(changed);
        }}
      />
      {(creating.error ?? check.error) && <Failure error={creating.error ?? check.error} />}
      <p role="status" className="soft">
        {made ? text.outcome(made.done, made.refused) : isReady ? text.wouldBe(count) : text.destinationFirst}
      </p>
      <Table
        caption={text.toolbar}
        columns={columnsFor(namespace, made !== undefined)}
        rows={rows}
        keyOf={({ relation }) => relation.name}
      />
      <div className="dialog-buttons">
        <Button onClick={onClose}>{made ? strings.close : strings.cancel}</Button>
        {!made && (
          <Button
            kind="primary"
            isBusy={creating.isPending}
            reason={reasonAgainst(isReady, check, count)}
            onClick={() => creating.mutate()}
          >
            {text.create(count)}
          </Button>
        )}
      </div>
    </>
  );
}

function reasonAgainst(
  isReady: boolean,
  { isPending }: ReturnType<typeof useBatchCheck>,
  count: number,
): string | undefined {
  if (!isReady) return text.destinationFirst;
  if (isPending) return strings.editor.checking;
  return count === 0 ? text.allRefused : undefined;
}

/** What the server says about the drafts, some time after the last key. */
function useBatchCheck(namespace: string, batch: readonly BatchItem[], isReady: boolean) {
  const [settled, isSettled] = useSettled(JSON.stringify(batch));
  const { data, error, isFetching } = useQuery({
    queryKey: ['batch', namespace, settled],
    queryFn: () => send(namespace, JSON.parse(settled) as readonly BatchItem[], true),
    enabled: isReady,
    staleTime: 0,
    retry: false,
    placeholderData: (before) => before,
  });
  return { result: data, error, isPending: isFetching || !isSettled };
}

async function send(namespace: string, batch: readonly BatchItem[], isDryRun: boolean): Promise<BulkResult> {
  return await call(`/sync-batches/${encodeURIComponent(namespace)}`, {
    method: 'POST',
    query: { dryRun: isDryRun },
    // A name that cannot be sent would hide what is wrong with the others.
    body: { items: batch.map(({ name, spec }) => ({ name: name || '-', spec })) },
  });
}

interface Row {
  readonly relation: Relation;
  readonly item: BatchItem | undefined;
  readonly outcome: Outcome | undefined;
}

function columnsFor(namespace: string, isMade: boolean): readonly Column<Row>[] {
  return [
    { id: 'table', title: strings.discovery.name, cell: ({ relation }) => <code>{relation.name}</code> },
    {
      id: 'rows',
      title: strings.discovery.rows,
      isNumber: true,
      isWide: true,
      cell: ({ relation: { estimatedRows: count } }) => (count === undefined ? <Nothing /> : compact(count)),
    },
    {
      id: 'key',
      title: strings.discovery.key,
      isWide: true,
      cell: ({ relation: { keys } }) =>
        keys[0] ? <code>{keys[0].join(', ')}</code> : strings.discovery.noKey,
    },
    {
      id: 'name',
      title: text.sync,
      cell: ({ item, outcome }) =>
        isMade && outcome?.outcome === 'done' && item ? (
          <Link to={syncLink(namespace, item.name)}>{item.name}</Link>
        ) : (
          item?.name
        ),
    },
    { id: 'object', title: text.target, isWide: true, cell: ({ item }) => <code>{item?.object}</code> },
    {
      id: 'outcome',
      title: text.outcomeTitle,
      cell: ({ outcome }) => <OutcomeOf outcome={outcome} isMade={isMade} />,
    },
  ];
}

function OutcomeOf({ outcome, isMade }: { readonly outcome: Outcome | undefined; readonly isMade: boolean }) {
  if (!outcome) return <Nothing />;
  if (outcome.outcome === 'done')
    return (
      <span>
        <Glyph shape="completed" /> {isMade ? text.created : text.willBeCreated}
      </span>
    );
  return (
    <span className="hint-failed">
      <Glyph shape="failed" /> {outcome.message} <code className="faint">{outcome.code}</code>
    </span>
  );
}
