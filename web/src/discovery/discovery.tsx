import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, objectPath } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { DataSourceRow, Discovered } from '../api/types.ts';
import { number } from '../format.ts';
import { Button, LinkButton } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Empty, Failure } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import type { Column } from '../parts/table.tsx';
import { strings } from '../strings.ts';
import { ManySyncs } from './many-syncs.tsx';
import { Preview } from './preview.tsx';
import { type Relation, RelationTable } from './relation-table.tsx';

const text = strings.discovery;
const mostShown = 500;

/** What the system has, asked of an agent when the user wants to know. */
export function Discovery({ dataSource }: { readonly dataSource: DataSourceRow }) {
  const { namespace, name } = dataSource;
  const path = objectPath('datasources', namespace, name);
  const session = useSession();
  const reason = isGranted(session, 'editor', namespace) ? undefined : strings.roles.needsEditorIn(namespace);
  const [q, setQ] = useState('');
  const found = useMutation({
    mutationFn: () =>
      call<Discovered>(`${path}/discover`, { method: 'POST', query: { q, limit: mostShown } }),
  });
  const search = (event: FormEvent) => {
    event.preventDefault();
    if (reason === undefined) found.mutate();
  };
  return (
    <Section title={text.title}>
      <form className="list-tools" onSubmit={search}>
        <input
          className="search"
          aria-label={text.search}
          placeholder={text.search}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <Button type="submit" reason={reason} isBusy={found.isPending}>
          {text.show}
        </Button>
      </form>
      {found.error && <Failure error={found.error} />}
      {found.data?.items.length === 0 && <Empty title={text.none} />}
      {found.data && found.data.items.length > 0 && (
        <>
          <p className="soft">{text.count(number(found.data.items.length), number(found.data.total))}</p>
          <Found dataSource={dataSource} path={path} relations={found.data.items} />
        </>
      )}
    </Section>
  );
}

interface FoundProps {
  readonly dataSource: DataSourceRow;
  readonly path: string;
  readonly relations: readonly Relation[];
}

/** Each with a preview and a Sync of its own; several are chosen for many Syncs at once. */
function Found({ dataSource, path, relations }: FoundProps) {
  const { namespace, name: source, objectField = 'table', modes = ['Snapshot'] } = dataSource;
  const { mode } = useSession();
  const [previewed, setPreviewed] = useState<string>();
  // Also those that an earlier search has found.
  const [chosen, setChosen] = useState<ReadonlyMap<string, Relation>>(new Map());
  const notHere = mode === 'single' ? strings.single.readOnly : undefined;
  const actions: Column<Relation> = {
    id: 'actions',
    title: text.actions,
    cell: ({ name }) => (
      <span className="row-actions">
        <Button kind="quiet" onClick={() => setPreviewed(name)}>
          {text.preview}
        </Button>
        <LinkButton
          kind="quiet"
          to={`/syncs/new?${new URLSearchParams({ namespace, source, field: objectField, object: name, mode: modes[0] ?? '' })}`}
          reason={notHere}
        >
          {text.sync}
        </LinkButton>
      </span>
    ),
  };
  return (
    <>
      {mode !== 'single' && (
        <ManySyncs dataSource={dataSource} relations={relations} chosen={chosen} onChoose={setChosen} />
      )}
      <RelationTable
        relations={relations}
        name={(name) => <code>{name}</code>}
        before={mode === 'single' ? [] : [choiceOf(chosen, setChosen)]}
        after={[actions]}
      />
      <Modal
        title={previewed ?? ''}
        description={text.masked}
        isOpen={previewed !== undefined}
        onClose={() => setPreviewed(undefined)}
        size="large"
      >
        {previewed !== undefined && (
          <Preview key={previewed} path={path} field={objectField} name={previewed} />
        )}
      </Modal>
    </>
  );
}

function choiceOf(
  chosen: ReadonlyMap<string, Relation>,
  setChosen: (chosen: ReadonlyMap<string, Relation>) => void,
): Column<Relation> {
  const toggle = (relation: Relation) => {
    const next = new Map(chosen);
    if (!next.delete(relation.name)) next.set(relation.name, relation);
    setChosen(next);
  };
  return {
    id: 'choice',
    title: text.choice,
    cell: (relation) => (
      <input
        type="checkbox"
        aria-label={strings.syncs.choose(relation.name)}
        checked={chosen.has(relation.name)}
        onChange={() => toggle(relation)}
      />
    ),
  };
}
