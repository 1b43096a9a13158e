import { useDataSourceDetail } from '../api/queries.ts';
import { useSession } from '../api/session.tsx';
import { dataSourceLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { EditExisting, NotEditable } from './edit-existing.tsx';
import type { EditorKind } from './editor-kind.ts';
import { ManifestEditor } from './manifest-editor.tsx';
import { isSecretRef, NewSecret } from './new-secret.tsx';
import { reasonAgainst, usualNamespace } from './sync-editor.tsx';
import { isOtherSystem, SystemSelect } from './system-select.tsx';
import { yamlText } from './yaml-text.ts';

const text = strings.editor;

/** How to reach it and as whom. */
const mainField =
  /\.(host|hosts|port|database|user|path|url|brokers|bucket|endpoint|region|passwordSecretRef)$/;

const kind: EditorKind = {
  kind: 'DataSource',
  path: 'datasources',
  list: ['/data-sources', strings.places.dataSources],
  link: dataSourceLink,
  before: (manifest) => <SystemSelect manifest={manifest} />,
  useFields: ({ value }) => ({
    isMain: (path) => mainField.test(path),
    isHidden: (path) => isOtherSystem(path, value),
    isFirst: () => false,
  }),
  widgets: () => ({}),
  after: (path, manifest) => isSecretRef(path) && <NewSecret path={path} manifest={manifest} />,
};

interface Name {
  readonly namespace: string;
  readonly name: string;
}

export function DataSourceEditor({ of }: { readonly of?: Name }) {
  const session = useSession();
  if (of) return <EditDataSource of={of} />;
  const reason = reasonAgainst(session);
  if (reason !== undefined) return <NotEditable title={text.create.DataSource} reason={reason} />;
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
  return <EditExisting kind={kind} of={of} detail={data} error={error} />;
}
