import { useDataSources } from '../api/queries.ts';
import { Link } from '../router.tsx';
import { strings } from '../strings.ts';
import { textOf } from './field-text.ts';

interface DataSourceSelectProps {
  readonly id: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly namespace: string;
}

/** The data sources of the namespace. A name that is none of them stays as it is: it may be made later. */
export function DataSourceSelect({ id, value, onChange, namespace }: DataSourceSelectProps) {
  const { data } = useDataSources({ namespace, limit: 500 });
  const given = textOf(value);
  const names = (data?.items ?? []).map(({ name, type }) => [name, type] as const);
  const isKnown = given === '' || names.some(([name]) => name === given);
  return (
    <>
      <select
        id={id}
        aria-describedby={`${id}-note`}
        value={given}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="">{strings.editor.choose}</option>
        {!isKnown && <option value={given}>{given}</option>}
        {names.map(([name, type]) => (
          <option key={name} value={name}>
            {name} ({type})
          </option>
        ))}
      </select>
      {data && names.length === 0 && (
        <p className="hint">
          {strings.editor.noDataSources(namespace)}{' '}
          <Link to="/data-sources/new">{strings.dataSources.add}</Link>
        </p>
      )}
    </>
  );
}
