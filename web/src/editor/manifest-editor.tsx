import { useMutation } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { asApiError } from '../api/client.ts';
import type { Finding } from '../api/types.ts';
import { Boundary } from '../parts/boundary.tsx';
import { Button } from '../parts/button.tsx';
import { Failure, Findings } from '../parts/messages.tsx';
import { Page, Section } from '../parts/page.tsx';
import { guardLeaving, Link, navigate } from '../router.tsx';
import { strings } from '../strings.ts';
import { EditorForm } from './editor-form.tsx';
import { type Draft, draftOf, type EditorKind, isRenamed, isSame, put, type Stored } from './editor-kind.ts';
import { Review, type ReviewState } from './review.tsx';
import { findingsOf, useCheck } from './use-check.ts';
import { type Manifest, type Path, useManifest } from './use-manifest.ts';
import type { Mark } from './yaml-pane.tsx';

const YamlPane = lazy(async () => ({ default: (await import('./yaml-pane.tsx')).YamlPane }));
const text = strings.editor;

interface EditorProps {
  readonly kind: EditorKind;
  readonly initialText: string;
  /** What is stored now, of an object that exists. */
  readonly stored?: Stored;
  readonly of?: { readonly namespace: string; readonly name: string } | undefined;
}

export function ManifestEditor({ kind, initialText, stored, of }: EditorProps) {
  const [firstText] = useState(initialText);
  const manifest = useManifest(firstText);
  const [base, setBase] = useState(stored);
  const draft = draftOf(manifest.value, base);
  const [review, setReview] = useState<ReviewState>();
  const [reveal, setReveal] = useState<Reveal>();
  const [activePath, setActivePath] = useState('');
  const isChanged = manifest.text !== firstText;
  const asksBeforeLeaving = isChanged && !review?.isDone;
  useEffect(
    () => (asksBeforeLeaving ? guardLeaving(() => window.confirm(text.leave)) : undefined),
    [asksBeforeLeaving],
  );
  const check = useCheck(kind, draft, manifest, base?.version, of);
  const show = (path: Path, takesFocus: boolean) => {
    const [from, to] = manifest.rangeOf(path);
    setReveal({ from, to, takesFocus });
  };
  const reviewing = useMutation({
    mutationFn: () => put(kind, draft, { isDryRun: true, version: base && '*' }),
    onSuccess: ({ spec }) => setReview({ spec, isDone: false }),
  });
  const isUnchanged = of !== undefined && !isChanged;
  const reasonAgainstReview =
    manifest.problems.length > 0
      ? text.syntaxFirst
      : isUnchanged
        ? text.nothingChanged
        : isRenamed(draft, of)
          ? text.noRename
          : undefined;
  return (
    <Page
      title={of ? text.edit(of.name) : text.create[kind.kind]}
      crumb={<Link to={kind.list[0]}>{kind.list[1]}</Link>}
      aside={
        <>
          <Button onClick={() => navigate(of ? kind.link(of.namespace, of.name) : kind.list[0])}>
            {strings.cancel}
          </Button>
          <Button
            kind="primary"
            isBusy={reviewing.isPending}
            reason={reasonAgainstReview}
            onClick={() => reviewing.mutate()}
          >
            {text.review}
          </Button>
        </>
      }
    >
      <ChangedElsewhere base={base} stored={stored} />
      {reviewing.error && findingsOf(asApiError(reviewing.error)).length === 0 && (
        <Failure error={reviewing.error} />
      )}
      <div className="editor">
        <EditorForm
          {...{ kind, manifest, draft, activePath }}
          isNew={!of}
          findings={check.findings}
          onFocus={(path) => show(path, false)}
          onYaml={(path) => show(path, true)}
        />
        <EditorSide {...{ kind, manifest, draft, check, reveal, show }} onPath={setActivePath} />
      </div>
      {review && (
        <Review
          {...{ kind, draft, base, stored }}
          state={review}
          onBase={setBase}
          onDone={() => setReview({ ...review, isDone: true })}
          onClose={() => setReview(undefined)}
        />
      )}
    </Page>
  );
}

interface Reveal {
  readonly from: number;
  readonly to: number;
  readonly takesFocus: boolean;
}

interface SideProps {
  readonly kind: EditorKind;
  readonly manifest: Manifest;
  readonly draft: Draft;
  readonly check: ReturnType<typeof useCheck>;
  readonly reveal: Reveal | undefined;
  readonly show: (path: Path, takesFocus: boolean) => void;
  readonly onPath: (path: string) => void;
}

/** The text, its problems, and what the kind of object adds. */
function EditorSide({ kind, manifest, draft, check, reveal, show, onPath }: SideProps) {
  const { findings, failure, isPending } = check;
  const jump = (path: string) => {
    if (!focusField(path)) show(path.split('.'), true);
  };
  return (
    <div className="editor-side">
      <Boundary>
        <Suspense fallback={<div className="yaml-pane" />}>
          <YamlPane
            text={manifest.text}
            marks={marksOf(manifest, findings)}
            reveal={reveal}
            onChange={manifest.setText}
            onCursor={(offset) => onPath(manifest.pathAt(offset).join('.'))}
          />
        </Suspense>
      </Boundary>
      <Section title={text.problems}>
        {findings.length > 0 && <Findings findings={findings} onJump={jump} />}
        {findings.length === 0 && !failure && (
          <p className="soft" role="status">
            {isPending ? text.checking : text.noProblems}
          </p>
        )}
        {failure && <Failure error={failure} />}
      </Section>
      {kind.beside?.(draft)}
    </div>
  );
}

function ChangedElsewhere({
  base,
  stored,
}: {
  readonly base: Stored | undefined;
  readonly stored: Stored | undefined;
}) {
  if (!base || !stored || isSame(base, stored)) return null;
  return (
    <p className="note note-warning" role="status">
      {text.changedElsewhere}
    </p>
  );
}

function marksOf(manifest: Manifest, findings: readonly Finding[]): readonly Mark[] {
  const syntax = manifest.problems.map((problem) => ({ ...problem, severity: 'error' as const }));
  if (syntax.length > 0) return syntax;
  return findings.flatMap(({ path, message, severity }) => {
    if (path === undefined) return [];
    const [from, to] = manifest.rangeOf(path.split('.'));
    return [{ from, to, message, severity }];
  });
}

/** False: the form does not show this field. */
function focusField(path: string): boolean {
  for (let parts = path.split('.'); parts.length > 1; parts = parts.slice(0, -1)) {
    const field = document.querySelector<HTMLElement>(`[data-path="${CSS.escape(parts.join('.'))}"]`);
    if (!field) continue;
    for (
      let around = field.closest('details');
      around;
      around = around.parentElement?.closest('details') ?? null
    )
      around.open = true;
    const input = field.querySelector<HTMLElement>('input, select, textarea, button') ?? field;
    input.scrollIntoView({ block: 'center' });
    input.focus();
    return true;
  }
  return false;
}
