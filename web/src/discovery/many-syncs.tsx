import { useState } from 'react';
import type { DataSourceRow } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { strings } from '../strings.ts';
import { BatchReview } from './batch-review.tsx';
import type { Relation } from './relation-table.tsx';

const text = strings.manySyncs;

interface ManySyncsProps {
  readonly dataSource: DataSourceRow;
  readonly relations: readonly Relation[];
  readonly chosen: ReadonlyMap<string, Relation>;
  readonly onChoose: (chosen: ReadonlyMap<string, Relation>) => void;
}

/** What can be done with the chosen tables: one Sync for each. */
export function ManySyncs({ dataSource, relations, chosen, onChoose }: ManySyncsProps) {
  const [isOpen, setOpen] = useState(false);
  if (chosen.size === 0) return null;
  const isAll = relations.every(({ name }) => chosen.has(name));
  const chooseAll = () =>
    onChoose(new Map([...chosen, ...relations.map((each) => [each.name, each] as const)]));
  return (
    <div className="selection" role="toolbar" aria-label={text.toolbar}>
      <span>{strings.selection.chosen(chosen.size)}</span>
      {!isAll && (
        <Button kind="quiet" onClick={chooseAll}>
          {text.chooseAll(relations.length)}
        </Button>
      )}
      <Button
        kind="primary"
        reason={chosen.size > mostAtOnce ? text.tooMany(mostAtOnce) : undefined}
        onClick={() => setOpen(true)}
      >
        {text.make}
      </Button>
      <Button kind="quiet" onClick={() => onChoose(new Map())}>
        {strings.selection.clear}
      </Button>
      <Modal
        title={text.title(chosen.size)}
        description={text.what}
        size="large"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
      >
        <BatchReview source={dataSource} relations={[...chosen.values()]} onClose={() => setOpen(false)} />
      </Modal>
    </div>
  );
}

/** As the API takes them. */
const mostAtOnce = 500;
