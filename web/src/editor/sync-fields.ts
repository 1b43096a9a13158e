import { useDataSources } from '../api/queries.ts';
import { draftOf, type ShownFields } from './editor-kind.ts';
import { textOf } from './field-text.ts';
import { type Systems, useSystems } from './schema.ts';
import { isObject, type Manifest, valueIn } from './use-manifest.ts';

export const ends = ['source', 'destination'] as const;
type End = (typeof ends)[number];

const mainFields = new Set([
  'spec.source.idField',
  'spec.source.timestampField',
  'spec.writeMode',
  'spec.schedule',
  'spec.schedule.every',
]);

/** The fields that the chosen systems have. As long as none is chosen, all are offered, first those of the SQL systems. */
export function useSyncFields({ value }: Manifest): ShownFields {
  const { namespace } = draftOf(value);
  const { data } = useDataSources({ namespace, limit: 500 });
  const systems = useSystems();
  const fieldsOf = (end: End): readonly string[] | undefined => {
    const name = textOf(valueIn(value, ['spec', end, 'dataSource']));
    const type = data?.items.find((each) => each.name === name)?.type;
    return systems?.[type ?? '']?.[end];
  };
  const own = { source: fieldsOf('source'), destination: fieldsOf('destination') };
  const isFirst = (path: string) => ends.some((end) => path === `spec.${end}.${own[end]?.[0] ?? 'table'}`);
  return {
    isMain: (path) => mainFields.has(path) || isFirst(path),
    isFirst,
    isHidden: (path) => {
      const [, end, name = '', more] = path.split('.');
      if (more !== undefined || (end !== 'source' && end !== 'destination')) return false;
      const fields = own[end];
      if (!fields || !systems || fields.includes(name) || !isOfSystem(systems, end, name)) return false;
      // What is set wrongly has to be seen to be removed.
      const given = valueIn(value, ['spec', end]);
      return !(isObject(given) && given[name] !== undefined);
    },
  };
}

function isOfSystem(systems: Systems, end: End, name: string): boolean {
  return Object.values(systems).some((fields) => fields[end].includes(name));
}
