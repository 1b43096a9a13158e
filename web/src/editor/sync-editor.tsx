import { useSyncDetail } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { Session } from '../api/types.ts';
import { objectName, partsOf } from '../discovery/names.ts';
import { TablePicker } from '../discovery/table-picker.tsx';
import { syncLink, useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { DataSourceSelect } from './data-source-select.tsx';
import { EditExisting, NotEditable } from './edit-existing.tsx';
import { draftOf, type EditorKind } from './editor-kind.ts';
import { textOf } from './field-text.ts';
import { ManifestEditor } from './manifest-editor.tsx';
import { PlanPanel } from './plan-panel.tsx';
import type { Widget } from './schema-form.tsx';
import { ends, useSyncFields } from './sync-fields.ts';
import { valueIn } from './use-manifest.ts';
import { yamlText } from './yaml-text.ts';

const text = strings.editor;
const apiVersion = 'idra.dev/v1alpha1';

/** Fields that name what an agent can find. */
const objectFields = ['table', 'collection', 'topic', 'prefix', 'path'] as const;

const syncKind: EditorKind = {
  kind: 'Sync',
  path: 'syncs',
  list: ['/syncs', strings.places.syncs],
  link: syncLink,
  useFields: useSyncFields,
  widgets: (manifest) => {
    const { namespace } = draftOf(manifest.value);
    const dataSourceOf = (end: string) => textOf(valueIn(manifest.value, ['spec', end, 'dataSource']));
    const picker =
      (end: string): Widget =>
      (field) => <TablePicker {...field} namespace={namespace} dataSource={dataSourceOf(end)} />;
    return {
      'spec.source.dataSource': (field) => <DataSourceSelect {...field} namespace={namespace} />,
      'spec.destination.dataSource': (field) => <DataSourceSelect {...field} namespace={namespace} />,
      ...Object.fromEntries(
        ends.flatMap((end) => objectFields.map((name) => [`spec.${end}.${name}`, picker(end)])),
      ),
    };
  },
  beside: (draft) => <PlanPanel draft={draft} />,
};

interface Name {
  readonly namespace: string;
  readonly name: string;
}

export function SyncEditor({ of }: { readonly of?: Name }) {
  const session = useSession();
  const [search] = useSearch();
  if (of) return <EditSync of={of} />;
  const reason = reasonAgainst(session);
  if (reason !== undefined) return <NotEditable title={text.create.Sync} reason={reason} />;
  const object = search.get('object');
  const field = search.get('field') ?? 'table';
  const table = object === null ? '' : partsOf(object).table;
  const initial = {
    apiVersion,
    kind: 'Sync',
    metadata: { name: objectName(table), namespace: search.get('namespace') ?? usualNamespace(session) },
    spec: {
      source: { dataSource: search.get('source') ?? '', ...(object !== null && { [field]: object }) },
      destination: { dataSource: '', ...(table !== '' && { table }) },
      mode: search.get('mode') ?? 'Snapshot',
      schedule: { every: '10s' },
    },
  };
  return <ManifestEditor kind={syncKind} initialText={yamlText(initial)} />;
}

function EditSync({ of }: { readonly of: Name }) {
  const { data, error } = useSyncDetail(of);
  return <EditExisting kind={syncKind} of={of} detail={data} error={error} />;
}

export function reasonAgainst(session: Session): string | undefined {
  if (session.mode === 'single') return strings.single.readOnly;
  return isGranted(session, 'editor') ? undefined : strings.roles.needsEditor;
}

export function usualNamespace({ grants }: Session): string {
  const named = grants.filter(({ role }) => role !== 'viewer').flatMap(({ namespaces }) => namespaces);
  return named.includes('*') ? 'default' : (named[0] ?? 'default');
}
