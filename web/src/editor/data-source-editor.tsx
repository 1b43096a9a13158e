import { useDataSourceDetail } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { dataSourceLink } from '../router.tsx';
import { strings } from '../strings.ts';
import type { EditorKind } from './editor-kind.ts';
import { ManifestEditor } from './manifest-editor.tsx';
import { usualNamespace } from './sync-editor.tsx';
import { yamlText } from './yaml-text.ts';

const text = strings.editor;

const kind: EditorKind = {
  kind: 'DataSource',
  path: 'datasources',
  list: ['/data-sources', strings.places.dataSources],
  link: dataSourceLink,
  isMain: () => false,
  widgets: () => ({}),
};

interface Name {
  readonly namespace: string;
  readonly name: string;
}

export function DataSourceEditor({ of }: { readonly of?: Name }) {
  const session = useSession();
  if (of) return <EditDataSource of={of} />;
  if (session.mode === 'single' || !isGranted(session, 'editor'))
    return (
      <Page title={text.create.DataSource}>
        <Empty title={session.mode === 'single' ? strings.single.readOnly : strings.roles.needsEditor} />
      </Page>
    );
  const initial = {
    apiVersion: 'idra.dev/v1alpha1',
    kind: 'DataSource',
    metadata: { name: '', namespace: usualNamespace(session) },
    spec: {},
  };
  return <ManifestEditor kind={kind} initialText={yamlText(initial)} />;
}

function EditDataSource({ of }: { readonly of: Name }) {
  const { data, error } = useDataSourceDetail(of);
  if (error || data === null)
    return (
      <Page title={of.name}>
        {error ? <Failure error={error} /> : <Empty title={strings.dataSources.notFound(of.name)} />}
      </Page>
    );
  if (!data)
    return (
      <Page title={of.name}>
        <Skeleton lines={10} />
      </Page>
    );
  const { object, row, version } = data;
  const labels = row.labels;
  const initial = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { ...of, ...(labels && { labels }) },
    spec: object.spec,
  };
  return (
    <ManifestEditor
      kind={kind}
      of={of}
      stored={{ version, spec: object.spec, labels }}
      initialText={yamlText(initial)}
    />
  );
}
