import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { asApiError, call, objectPath } from '../api/client.ts';
import type { Applied } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Failure } from '../parts/messages.tsx';
import { navigate } from '../router.tsx';
import { strings } from '../strings.ts';
import { Difference } from './difference.tsx';
import { type Draft, type EditorKind, isSame, put, type Stored, shownOf } from './editor-kind.ts';

const text = strings.editor;

export interface ReviewState {
  /** As it would be stored, with defaults. */
  readonly spec: unknown;
  readonly isDone: boolean;
}

interface ReviewProps {
  readonly kind: EditorKind;
  readonly draft: Draft;
  /** What the draft was made from; undefined: it is new. */
  readonly base: Stored | undefined;
  readonly stored: Stored | undefined;
  readonly state: ReviewState;
  readonly onBase: (base: Stored) => void;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** The difference, then the change itself; if somebody else was faster, both differences and a choice. */
export function Review({ kind, draft, base, stored, state, onBase, onDone, onClose }: ReviewProps) {
  const [theirs, setTheirs] = useState<Stored>();
  const { namespace, name } = draft;
  const applying = useMutation({
    mutationFn: (takesOwnership: boolean) =>
      put(kind, draft, { isDryRun: false, version: versionFor(base, stored), takesOwnership }),
    onSuccess: (_applied: Applied) => onDone(),
    onError: async (thrown) => {
      if (base && asApiError(thrown).code === 'VersionChanged')
        setTheirs(await readStored(objectPath(kind.path, namespace, name)));
    },
  });
  useEffect(() => {
    if (state.isDone) navigate(kind.link(namespace, name));
  }, [state.isDone, kind, namespace, name]);
  const isOwned = applying.error !== null && asApiError(applying.error).code === 'FieldOwnedElsewhere';
  const adopt = () => {
    if (!theirs) return;
    onBase(theirs);
    setTheirs(undefined);
    applying.reset();
  };
  return (
    <Modal title={base ? text.changes(name) : text.creates(name)} size="large" isOpen onClose={onClose}>
      {theirs && base && (
        <>
          <p className="note note-warning">{text.conflict}</p>
          <h3>{text.theirs}</h3>
          <Difference before={shownOf(base)} after={shownOf(theirs)} />
          <h3>{text.yours}</h3>
        </>
      )}
      <Difference
        before={base ? shownOf(theirs ?? base) : ''}
        after={shownOf({ spec: state.spec, labels: draft.labels })}
      />
      {applying.error && !theirs && <Failure error={applying.error} />}
      <div className="dialog-buttons">
        <Button onClick={onClose}>{text.back}</Button>
        {isOwned && (
          <Button kind="danger" onClick={() => applying.mutate(true)}>
            {text.takeOver}
          </Button>
        )}
        {theirs ? (
          <Button kind="primary" onClick={adopt}>
            {text.keepMine}
          </Button>
        ) : (
          <Button kind="primary" isBusy={applying.isPending} onClick={() => applying.mutate(false)}>
            {base ? text.apply : text.createIt}
          </Button>
        )}
      </div>
    </Modal>
  );
}

/** A version also changes with what is not edited here: then the newest is the one that was edited. */
function versionFor(base: Stored | undefined, stored: Stored | undefined): string | undefined {
  if (!base || !stored) return base?.version;
  return isSame(base, stored) ? stored.version : base.version;
}

async function readStored(path: string): Promise<Stored> {
  const { version, object, row } = await call<{
    version: string;
    object: { spec: unknown };
    row: { labels?: Record<string, string> };
  }>(path);
  return { version, spec: object.spec, labels: row.labels };
}
