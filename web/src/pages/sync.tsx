import { useQueryClient } from '@tanstack/react-query';
import { Tabs } from 'radix-ui';
import { asApiError, call, objectPath } from '../api/client.ts';
import { useSyncDetail } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { Requested, SyncDetail } from '../api/types.ts';
import { number, rate } from '../format.ts';
import { LinkButton } from '../parts/button.tsx';
import { ActionButton, ConfirmButton } from '../parts/confirm.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { StateMark } from '../parts/state.tsx';
import { Count } from '../parts/values.tsx';
import { dataSourceLink, Link, navigate, syncLink, useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { NowTab } from '../sync/now-tab.tsx';
import { OffsetTab } from '../sync/offset-tab.tsx';
import { TimelineTab } from '../sync/timeline-tab.tsx';
import { YamlTab } from '../sync/yaml-tab.tsx';

const text = strings.sync;

interface SyncName {
  readonly namespace: string;
  readonly name: string;
}

const tabs = [
  ['now', NowTab],
  ['timeline', TimelineTab],
  ['offset', OffsetTab],
  ['yaml', YamlTab],
] as const;

export function SyncPage({ namespace, name }: SyncName) {
  const { data, error, refetch } = useSyncDetail({ namespace, name });
  const [search, setSearch] = useSearch();
  const crumb = (
    <>
      <Link to="/syncs">{strings.places.syncs}</Link> / {namespace} /
    </>
  );
  if (data === null || (error && asApiError(error).code === 'SyncNotFound'))
    return (
      <Page title={name} crumb={crumb}>
        <Empty title={data === null ? text.deleted : text.notFound(`${namespace}/${name}`)}>
          <p>
            <Link to="/syncs">{strings.notFound.toSyncs}</Link>
          </p>
        </Empty>
      </Page>
    );
  return (
    <Page
      title={name}
      crumb={crumb}
      mark={data && <Marks detail={data} />}
      aside={data && <Actions detail={data} />}
    >
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton lines={10} />}
      {data && (
        <>
          <Flow detail={data} />
          <Tabs.Root
            value={search.get('tab') ?? 'now'}
            onValueChange={(tab) => setSearch({ tab: tab === 'now' ? undefined : tab })}
          >
            <Tabs.List className="tabs" aria-label={text.parts}>
              {tabs.map(([id]) => (
                <Tabs.Trigger key={id} value={id} className="tab">
                  {text.tabs[id]}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            {tabs.map(([id, Tab]) => (
              <Tabs.Content key={id} value={id} className="tab-content" tabIndex={-1}>
                <Tab detail={data} />
              </Tabs.Content>
            ))}
          </Tabs.Root>
        </>
      )}
    </Page>
  );
}

function Marks({ detail: { row, object } }: { readonly detail: SyncDetail }) {
  const guarantee = object.status?.guarantee;
  return (
    <>
      <StateMark state={row.state} attention={row.attention} />
      {row.lag !== '' && <span className="number">{text.lag(row.lag)}</span>}
      {row.rowsPerSecond !== undefined && (
        <span className="number">{text.perSecond(rate(row.rowsPerSecond))}</span>
      )}
      {guarantee !== undefined && <span className="soft">{text.guarantees[guarantee]}</span>}
    </>
  );
}

function Actions({ detail }: { readonly detail: SyncDetail }) {
  const { namespace, name, isSuspended } = detail.row;
  const session = useSession();
  const client = useQueryClient();
  const path = objectPath('syncs', namespace, name);
  const notEditor = isGranted(session, 'editor', namespace)
    ? undefined
    : strings.roles.needsEditorIn(namespace);
  const notHere = notEditor ?? (detail.isReadOnly ? strings.single.readOnly : undefined);
  const request = (type: 'run-now' | 'restart') =>
    call<Requested>(`${path}/requests`, { method: 'POST', query: { wait: 20 }, body: { type } });
  const suspend = async () => {
    await call(`${path}/suspended`, { method: 'PUT', body: { isSuspended: !isSuspended } });
    await client.invalidateQueries({ queryKey: ['sync', namespace, name] });
    return undefined;
  };
  return (
    <>
      <ActionButton
        label={text.runNow}
        reason={notEditor ?? (isSuspended ? text.isSuspended : undefined)}
        work={async () => (await request('run-now')).message}
      />
      <ActionButton label={isSuspended ? text.resume : text.suspend} reason={notHere} work={suspend} />
      <LinkButton to={`${syncLink(namespace, name)}/edit`} reason={notHere}>
        {text.edit}
      </LinkButton>
      <ConfirmButton
        label={text.restart}
        title={text.restartTitle(name)}
        question={text.restartQuestion(number(detail.row.rows))}
        reason={notEditor}
        work={() => request('restart')}
      />
      <ConfirmButton
        label={text.delete}
        title={text.deleteTitle(name)}
        question={text.deleteQuestion}
        reason={notHere}
        work={() => call(path, { method: 'DELETE', ifMatch: detail.version })}
        onDone={() => navigate('/syncs')}
      />
    </>
  );
}

function Flow({ detail: { object, row } }: { readonly detail: SyncDetail }) {
  const rows = object.status?.rows;
  return (
    <div className="flow">
      <div className="flow-end">
        <Link to={dataSourceLink(row.namespace, row.source.dataSource)}>{row.source.dataSource}</Link>
        <code>{row.source.object}</code>
        <span className="soft">
          {text.read} <Count value={rows?.read ?? 0} />
        </span>
      </div>
      <div className="flow-arrow">
        <span>{row.mode}</span>
        <svg viewBox="0 0 64 8" width="64" height="8" aria-hidden="true" className="glyph">
          <path d="M0 4h62M58 1l4 3-4 3" />
        </svg>
        {(rows?.rejected ?? 0) > 0 && (
          <span className="tone-warning">
            {text.rejected} <Count value={rows?.rejected ?? 0} />
          </span>
        )}
      </div>
      <div className="flow-end">
        <Link to={dataSourceLink(row.namespace, row.destination.dataSource)}>
          {row.destination.dataSource}
        </Link>
        <code>{row.destination.object}</code>
        <span className="soft">
          {text.written} <Count value={rows?.written ?? 0} />
          {(rows?.deleted ?? 0) > 0 && (
            <>
              , {text.deletedRows} <Count value={rows?.deleted ?? 0} />
            </>
          )}
        </span>
      </div>
    </div>
  );
}
