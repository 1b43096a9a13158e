import { useMutation } from '@tanstack/react-query';
import { asApiError, call, objectPath } from '../api/client.ts';
import { useDataSourceDetail } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { CheckResult, DataSourceDetail } from '../api/types.ts';
import { Discovery } from '../discovery/discovery.tsx';
import { number } from '../format.ts';
import { Button, LinkButton } from '../parts/button.tsx';
import { ConfirmButton } from '../parts/confirm.tsx';
import { Facts } from '../parts/field.tsx';
import { Empty, Failure, Findings, Skeleton } from '../parts/messages.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Glyph, ReadyMark } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Copyable, Nothing, Time } from '../parts/values.tsx';
import { dataSourceLink, Link, navigate, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { YamlSection } from '../sync/yaml-tab.tsx';

const text = strings.dataSources;

interface Name {
  readonly namespace: string;
  readonly name: string;
}

export function DataSourcePage({ namespace, name }: Name) {
  const { data, error, refetch } = useDataSourceDetail({ namespace, name });
  const crumb = (
    <>
      <Link to="/data-sources">{strings.places.dataSources}</Link> / {namespace} /
    </>
  );
  if (data === null || (error && asApiError(error).code === 'DataSourceNotFound'))
    return (
      <Page title={name} crumb={crumb}>
        <Empty title={text.notFound(`${namespace}/${name}`)} />
      </Page>
    );
  return (
    <Page
      title={name}
      crumb={crumb}
      mark={data && <ReadyMark ready={data.row.ready} />}
      aside={data && <Actions detail={data} />}
    >
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton lines={8} />}
      {data && <Detail detail={data} />}
    </Page>
  );
}

function Detail({ detail }: { readonly detail: DataSourceDetail }) {
  const { row, object, slots } = detail;
  const path = objectPath('datasources', row.namespace, row.name);
  return (
    <>
      <p className="message">{row.message}</p>
      <div className="columns">
        <Section title={text.facts}>
          <Facts facts={factsOf(detail)} />
        </Section>
        <Section title={text.usedBy(number(detail.row.syncs))}>
          <UsedBy detail={detail} />
        </Section>
      </div>
      {slots.length > 0 && (
        <Section title={text.slots}>
          <Table
            caption={text.slots}
            rows={slots}
            keyOf={({ uid, agent }) => `${uid} ${agent}`}
            columns={[
              { id: 'sync', title: strings.syncs.name, cell: ({ sync }) => sync },
              { id: 'agent', title: strings.syncs.agent, cell: ({ agent }) => agent },
              {
                id: 'state',
                title: text.state,
                cell: ({ isWaiting }) => (isWaiting ? strings.sync.slotAwaited : strings.sync.slotHeld),
              },
              {
                id: 'token',
                title: strings.sync.token,
                cell: ({ token }) =>
                  token === undefined ? <Nothing /> : <Copyable text={token} label={strings.sync.token} />,
              },
            ]}
          />
        </Section>
      )}
      <Check path={path} namespace={row.namespace} />
      <Discovery dataSource={row} />
      <YamlSection title={text.spec} value={object.spec} />
    </>
  );
}

function factsOf({ row }: DataSourceDetail) {
  return [
    [text.system, <code key="type">{row.type}</code>],
    [text.version, row.serverVersion ?? <Nothing key="version" />],
    [text.checked, <Time key="checked" at={row.checkedAt} />],
    [text.maxSyncs, row.maxConcurrentSyncs ?? text.usual],
    [text.maxRows, row.maxRowsPerSecond === undefined ? text.unlimited : number(row.maxRowsPerSecond)],
    [strings.created, <Time key="created" at={row.createdAt} />],
  ] as const;
}

function UsedBy({ detail: { usedBy, row } }: { readonly detail: DataSourceDetail }) {
  if (usedBy.length === 0) return <p className="soft">{text.unused}</p>;
  const shown = usedBy.slice(0, 12);
  return (
    <ul className="plain-list">
      {shown.map((name) => (
        <li key={name}>
          <Link to={syncLink(row.namespace, name)}>{name}</Link>
        </li>
      ))}
      {row.syncs > shown.length && (
        <li>
          <Link to={`/syncs?q=${encodeURIComponent(`namespace:${row.namespace} source:${row.name}`)}`}>
            {text.allUsers}
          </Link>
        </li>
      )}
    </ul>
  );
}

/** Connects now, through an agent, and says what is missing. */
function Check({ path, namespace }: { readonly path: string; readonly namespace: string }) {
  const session = useSession();
  const reason = isGranted(session, 'editor', namespace) ? undefined : strings.roles.needsEditorIn(namespace);
  const check = useMutation({ mutationFn: () => call<CheckResult>(`${path}/check`, { method: 'POST' }) });
  return (
    <Section
      title={text.check}
      aside={
        <Button reason={reason} isBusy={check.isPending} onClick={() => check.mutate()}>
          {text.checkNow}
        </Button>
      }
    >
      {!check.data && !check.error && <p className="soft">{text.checkText}</p>}
      {check.error && <Failure error={check.error} />}
      {check.data && (
        <div role="status">
          <p className="calm">
            <Glyph shape={check.data.findings.length === 0 ? 'completed' : 'lagging'} />{' '}
            {text.reached(check.data.version)} {check.data.findings.length === 0 && text.nothingMissing}
          </p>
          <Findings findings={check.data.findings} />
        </div>
      )}
    </Section>
  );
}

function Actions({ detail }: { readonly detail: DataSourceDetail }) {
  const { namespace, name, syncs } = detail.row;
  const session = useSession();
  const notHere = isGranted(session, 'editor', namespace)
    ? detail.isReadOnly
      ? strings.single.readOnly
      : undefined
    : strings.roles.needsEditorIn(namespace);
  return (
    <>
      <LinkButton to={`${dataSourceLink(namespace, name)}/edit`} reason={notHere}>
        {strings.sync.edit}
      </LinkButton>
      <ConfirmButton
        label={strings.sync.delete}
        title={strings.sync.deleteTitle(name)}
        question={text.deleteQuestion}
        reason={notHere ?? (syncs > 0 ? text.inUse(syncs) : undefined)}
        work={() =>
          call(objectPath('datasources', namespace, name), { method: 'DELETE', ifMatch: detail.version })
        }
        onDone={() => navigate('/data-sources')}
      />
    </>
  );
}
