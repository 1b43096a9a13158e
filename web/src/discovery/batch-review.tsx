import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { call } from '../api/client.ts';
import { useDataSources } from '../api/queries.ts';
import type { BulkResult, DataSourceRow } from '../api/types.ts';
import { useSettled } from '../editor/use-settled.ts';
import { Button } from '../parts/button.tsx';
import { Failure } from '../parts/messages.tsx';
import { Table } from '../parts/table.tsx';
import { strings } from '../strings.ts';
import { type BatchItem, batchOf, fitted, usualSettings } from './batch.ts';
import { BatchForm } from './batch-form.tsx';
import { columnsFor } from './batch-rows.tsx';
import type { Relation } from './relation-table.tsx';
import { useBatchPlans } from './use-batch-plans.ts';

const text = strings.manySyncs;

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
  const plans = useBatchPlans(namespace, batch);
  const { data: made } = creating;
  const result = made ?? check.result;
  const rows = relations.map((relation, index) => ({
    relation,
    item: batch[index],
    outcome: result?.items[index],
    plan: plans.of(index),
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
      {!made && (
        <p className="soft">{plans.isRunning ? text.planning(plans.done, batch.length) : text.planWhat}</p>
      )}
      <div className="dialog-buttons">
        {!made && (
          <Button
            reason={isReady ? undefined : text.destinationFirst}
            isBusy={plans.isRunning}
            onClick={plans.start}
          >
            {text.plan}
          </Button>
        )}
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
