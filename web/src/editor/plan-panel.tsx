import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { Plan } from '../api/types.ts';
import { number } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Facts } from '../parts/field.tsx';
import { Failure, Findings } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { strings } from '../strings.ts';
import type { Draft } from './editor-kind.ts';

const text = strings.plan;

/** What the draft would do with the real systems, asked of an agent. */
export function PlanPanel({ draft }: { readonly draft: Draft }) {
  const { namespace, name, spec } = draft;
  const key = JSON.stringify([namespace, name, spec]);
  const planning = useMutation({
    mutationFn: async () => ({
      key,
      plan: await call<Plan>(`/plans/${encodeURIComponent(namespace)}`, {
        method: 'POST',
        body: { name, spec },
      }),
    }),
  });
  return (
    <Section
      title={text.title}
      aside={
        <Button
          reason={name === '' || namespace === '' ? strings.editor.needsName : undefined}
          isBusy={planning.isPending}
          onClick={() => planning.mutate()}
        >
          {text.make}
        </Button>
      }
    >
      {planning.error && <Failure error={planning.error} />}
      {!planning.data && !planning.error && <p className="soft">{text.what}</p>}
      {planning.data && planning.data.key !== key && <p className="note note-warning">{text.outdated}</p>}
      {planning.data && <PlanResult plan={planning.data.plan} />}
    </Section>
  );
}

function PlanResult({ plan }: { readonly plan: Plan }) {
  const { findings, columns, statements, guarantee, createsTarget, offset, rowsWaiting } = plan;
  return (
    <div role="status" className="plan">
      <Findings findings={findings} />
      <Facts
        facts={[
          ...(guarantee === undefined ? [] : [[text.guarantee, guarantee] as const]),
          ...(createsTarget === undefined
            ? []
            : [[text.target, createsTarget ? text.creates : text.exists] as const]),
          ...(rowsWaiting === undefined ? [] : [[text.rows, text.about(number(rowsWaiting))] as const]),
          [text.begins, offset ?? text.beginning],
        ]}
      />
      {columns.length > 0 && (
        <Table
          caption={text.columns}
          rows={columns}
          keyOf={({ name }) => name}
          columns={[
            { id: 'name', title: text.column, cell: ({ name }) => <code>{name}</code> },
            { id: 'from', title: text.from, cell: ({ from }) => <code>{from}</code> },
            { id: 'to', title: text.to, cell: ({ to }) => <code>{to}</code> },
          ]}
        />
      )}
      {statements.length > 0 && (
        <>
          <p className="soft">{text.statements}</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{statements.join(';\n')}</pre>
        </>
      )}
    </div>
  );
}
