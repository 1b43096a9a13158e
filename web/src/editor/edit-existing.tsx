import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { strings } from '../strings.ts';
import type { EditorKind } from './editor-kind.ts';
import { ManifestEditor } from './manifest-editor.tsx';
import { yamlText } from './yaml-text.ts';

interface Detail {
  readonly object: { readonly apiVersion: string; readonly kind: string; readonly spec?: unknown };
  readonly row: { readonly labels?: Readonly<Record<string, string>> | undefined };
  readonly version: string;
}

interface EditExistingProps {
  readonly kind: EditorKind;
  readonly of: { readonly namespace: string; readonly name: string };
  /** Undefined: not loaded; null: deleted. */
  readonly detail: Detail | null | undefined;
  readonly error: Error | null;
}

export function EditExisting({ kind, of, detail, error }: EditExistingProps) {
  if (!detail)
    return (
      <Page title={of.name}>
        {error && <Failure error={error} />}
        {detail === null && <Empty title={strings.editor.deleted} />}
        {detail === undefined && !error && <Skeleton lines={10} />}
      </Page>
    );
  const { object, row, version } = detail;
  const labels = row.labels;
  const manifest = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { ...of, ...(labels && { labels }) },
    spec: object.spec,
  };
  const stored = { version, spec: object.spec, labels };
  return <ManifestEditor kind={kind} of={of} stored={stored} initialText={yamlText(manifest)} />;
}

/** An editor cannot be used in this installation, or by this user. */
export function NotEditable({ title, reason }: { readonly title: string; readonly reason: string }) {
  return (
    <Page title={title}>
      <Empty title={reason} />
    </Page>
  );
}
