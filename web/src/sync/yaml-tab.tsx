import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { call, objectPath } from '../api/client.ts';
import { useSession } from '../api/session.tsx';
import type { FieldOwners, SyncDetail } from '../api/types.ts';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { strings } from '../strings.ts';

const text = strings.yaml;

export function YamlTab({ detail: { object, row } }: { readonly detail: SyncDetail }) {
  const { mode } = useSession();
  const { name, namespace } = object.metadata;
  const labels = row.labels && { labels: row.labels };
  const manifest = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, ...labels },
    spec: object.spec,
  };
  return (
    <>
      <YamlSection title={text.manifest} value={manifest} />
      {object.status && <YamlSection title={text.status} value={object.status} />}
      {mode === 'kubernetes' && <Owners namespace={namespace} name={name} />}
    </>
  );
}

export function YamlSection({ title, value }: { readonly title: string; readonly value: unknown }) {
  const [shown, setShown] = useState('');
  useEffect(() => {
    let isCurrent = true;
    const show = (text: string) => {
      if (isCurrent) setShown(text);
    };
    void import('../editor/yaml-text.ts').then(
      ({ yamlText }) => show(yamlText(value)),
      () => show(strings.errors.notShown),
    );
    return () => {
      isCurrent = false;
    };
  }, [value]);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(shown);
    setCopied(true);
  };
  return (
    <Section
      title={title}
      aside={
        <button type="button" className="button button-quiet" onClick={() => void copy().catch(() => {})}>
          {isCopied ? strings.copied : strings.copyText}
        </button>
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre tabIndex={0} className="yaml">
        {shown}
      </pre>
    </Section>
  );
}

/** Which fields Git or Helm have set: they cannot be changed here without taking them over. */
function Owners({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { data } = useQuery({
    queryKey: ['owners', namespace, name],
    queryFn: ({ signal }) =>
      call<FieldOwners>(`${objectPath('syncs', namespace, name)}/field-owners`, { signal }),
    staleTime: 0,
  });
  if (!data || data.items.length === 0) return null;
  return (
    <Section title={text.owners}>
      <Table
        caption={text.owners}
        rows={data.items}
        keyOf={({ path, manager }) => `${path} ${manager}`}
        columns={[
          { id: 'path', title: text.field, cell: ({ path }) => <code>{path}</code> },
          { id: 'manager', title: text.manager, cell: ({ manager }) => manager },
        ]}
      />
    </Section>
  );
}
