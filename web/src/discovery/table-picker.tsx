import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call, objectPath } from '../api/client.ts';
import type { Discovered } from '../api/types.ts';
import { textOf } from '../editor/field-text.ts';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { strings } from '../strings.ts';
import { RelationTable } from './relation-table.tsx';

const text = strings.discovery;

interface TablePickerProps {
  readonly id: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly namespace: string;
  readonly dataSource: string;
}

/** A table by its name, or chosen from those that an agent finds. */
export function TablePicker({ id, value, onChange, namespace, dataSource }: TablePickerProps) {
  const [isOpen, setOpen] = useState(false);
  const choose = (name: string) => {
    onChange(name);
    setOpen(false);
  };
  return (
    <span className="with-button">
      <input
        id={id}
        aria-describedby={`${id}-note`}
        value={textOf(value)}
        onChange={(event) => onChange(event.target.value)}
      />
      <Button
        reason={dataSource === '' ? strings.editor.dataSourceFirst : undefined}
        aria-label={strings.editor.chooseTable(dataSource)}
        onClick={() => setOpen(true)}
      >
        {strings.editor.chooseButton}
      </Button>
      <Modal
        title={strings.editor.chooseTable(dataSource)}
        size="large"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
      >
        <Found path={objectPath('datasources', namespace, dataSource)} onChoose={choose} />
      </Modal>
    </span>
  );
}

function Found({ path, onChoose }: { readonly path: string; readonly onChoose: (name: string) => void }) {
  const [q, setQ] = useState('');
  const { data, error, refetch } = useQuery({
    queryKey: ['discover', path, q],
    queryFn: ({ signal }) =>
      call<Discovered>(`${path}/discover`, { method: 'POST', query: { q, limit: 100 }, signal }),
    retry: false,
    placeholderData: (before) => before,
  });
  return (
    <>
      <input
        className="search"
        aria-label={text.search}
        placeholder={text.search}
        value={q}
        onChange={(event) => setQ(event.target.value)}
      />
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton lines={6} />}
      {data?.items.length === 0 && <Empty title={text.none} />}
      {data && data.items.length > 0 && (
        <RelationTable
          relations={data.items}
          name={(name) => (
            <button type="button" className="jump" onClick={() => onChoose(name)}>
              {name}
            </button>
          )}
        />
      )}
    </>
  );
}
