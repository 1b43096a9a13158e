import { useQuery } from '@tanstack/react-query';
import { type ApiError, asApiError } from '../api/client.ts';
import type { Finding } from '../api/types.ts';
import { strings } from '../strings.ts';
import { type Draft, type EditorKind, isRenamed, type Of, put } from './editor-kind.ts';
import type { Manifest } from './use-manifest.ts';
import { useSettled } from './use-settled.ts';

const text = strings.editor;

/** The findings of the server about the draft, some time after the last key. */
export function useCheck(
  kind: EditorKind,
  draft: Draft,
  manifest: Manifest,
  version: string | undefined,
  of: Of,
) {
  const [settled, isSettled] = useSettled(JSON.stringify(draft));
  const local = localFindings(draft, manifest, of);
  const { data, error, isFetching } = useQuery({
    queryKey: ['check', kind.kind, settled],
    queryFn: async () => {
      try {
        await put(kind, JSON.parse(settled) as Draft, {
          isDryRun: true,
          version: version === undefined ? undefined : '*',
        });
        return { findings: [] as readonly Finding[], failure: undefined };
      } catch (thrown) {
        const failure = asApiError(thrown);
        const findings = findingsOf(failure);
        return { findings, failure: findings.length === 0 ? failure : undefined };
      }
    },
    enabled: local.length === 0,
    staleTime: 0,
    placeholderData: (before) => before,
  });
  const isPending = isFetching || !isSettled;
  if (local.length > 0) return { findings: local, failure: undefined, isPending: false };
  return { findings: data?.findings ?? noFindings, failure: data?.failure ?? error ?? undefined, isPending };
}

const noFindings: readonly Finding[] = [];

/** Those that belong to a field. */
export function findingsOf({ status, findings }: ApiError): readonly Finding[] {
  return status === 422 || status === 409 || status === 400
    ? findings.filter(({ path }) => path !== undefined)
    : [];
}

function localFindings(draft: Draft, manifest: Manifest, of: Of): readonly Finding[] {
  const { namespace, name } = draft;
  const finding = (path: string, message: string): Finding => ({
    severity: 'error',
    code: 'ManifestInvalid',
    path,
    message,
  });
  if (manifest.problems.length > 0)
    return manifest.problems.map(({ message }) => ({ severity: 'error', code: 'ManifestInvalid', message }));
  if (isRenamed(draft, of)) return [finding('metadata.name', text.noRename)];
  if (name === '') return [finding('metadata.name', text.needsName)];
  if (namespace === '') return [finding('metadata.namespace', text.needsNamespace)];
  return [];
}
