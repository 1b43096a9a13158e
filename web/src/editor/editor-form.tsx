import type { Finding } from '../api/types.ts';
import { TextField } from '../parts/field.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { strings } from '../strings.ts';
import type { Draft, EditorKind } from './editor-kind.ts';
import { useSpecSchema } from './schema.ts';
import { SchemaFields } from './schema-form.tsx';
import type { Manifest, Path } from './use-manifest.ts';

const text = strings.editor;

interface EditorFormProps {
  readonly kind: EditorKind;
  readonly manifest: Manifest;
  readonly draft: Draft;
  readonly isNew: boolean;
  readonly findings: readonly Finding[];
  readonly activePath: string;
  readonly onFocus: (path: Path) => void;
  readonly onYaml: (path: Path) => void;
}

/** The form beside the text: name and namespace, then every field of the schema. */
export function EditorForm(props: EditorFormProps) {
  const { kind, manifest, draft, isNew, findings, activePath, onFocus, onYaml } = props;
  const schema = useSpecSchema(kind.kind);
  const fields = kind.useFields(manifest);
  const own = (path: string) => findings.find((finding) => finding.path === path)?.message;
  return (
    <section className="editor-form" aria-label={text.form}>
      <div className="form-fields">
        <div data-path="metadata.name">
          <TextField
            label={text.name}
            readOnly={!isNew}
            value={draft.name}
            error={own('metadata.name')}
            onChange={(event) => manifest.setIn(['metadata', 'name'], event.target.value)}
          />
        </div>
        <div data-path="metadata.namespace">
          <TextField
            label={text.namespace}
            readOnly={!isNew}
            value={draft.namespace}
            error={own('metadata.namespace')}
            onChange={(event) => manifest.setIn(['metadata', 'namespace'], event.target.value)}
          />
        </div>
        {kind.before?.(manifest)}
        {schema.error && <Failure error={schema.error} />}
        {schema.isPending && <Skeleton lines={10} />}
        {schema.data && (
          <SchemaFields
            schema={schema.data}
            path={['spec']}
            form={{
              value: manifest.value,
              findings,
              activePath,
              widgets: kind.widgets(manifest),
              ...fields,
              after: (path) => kind.after?.(path, manifest),
              set: manifest.setIn,
              onFocus,
              onYaml,
            }}
          />
        )}
      </div>
    </section>
  );
}
