import type { BulkResult } from '../api/types.ts';
import { compact, number } from '../format.ts';
import { Glyph } from '../parts/state.tsx';
import type { Column } from '../parts/table.tsx';
import { Nothing } from '../parts/values.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import type { BatchItem } from './batch.ts';
import type { Relation } from './relation-table.tsx';
import type { BatchPlan } from './use-batch-plans.ts';

const text = strings.manySyncs;
type Outcome = BulkResult['items'][number];

export interface BatchRow {
  readonly relation: Relation;
  readonly item: BatchItem | undefined;
  readonly outcome: Outcome | undefined;
  readonly plan: BatchPlan | undefined;
}

export function columnsFor(namespace: string, isMade: boolean): readonly Column<BatchRow>[] {
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
      cell: ({ outcome, plan }) => (
        <>
          <OutcomeOf outcome={outcome} isMade={isMade} />
          {!isMade && plan && <PlanOf plan={plan} />}
        </>
      ),
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

/** What an agent has found with the real systems. */
function PlanOf({ plan }: { readonly plan: BatchPlan }) {
  if (plan.kind === 'failed')
    return (
      <p className="hint hint-failed">
        <Glyph shape="failed" /> {text.planned}: {plan.message} <code className="faint">{plan.code}</code>
      </p>
    );
  const { findings, createsTarget, rowsWaiting } = plan.plan;
  const facts = [
    ...(rowsWaiting === undefined ? [] : [`${strings.plan.about(number(rowsWaiting))} ${text.rowsWait}`]),
    ...(createsTarget === undefined ? [] : [createsTarget ? text.tableIsMade : text.tableIsThere]),
  ];
  return (
    <>
      <p className="hint">
        {text.planned}: {facts.join(', ') || text.nothingFound}
      </p>
      {findings.map(({ severity, code, message }) => (
        <p key={`${code} ${message}`} className={severity === 'error' ? 'hint hint-failed' : 'hint'}>
          <Glyph shape={severity === 'error' ? 'failed' : 'lagging'} /> {message}{' '}
          <code className="faint">{code}</code>
        </p>
      ))}
    </>
  );
}
