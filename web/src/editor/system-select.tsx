import { SelectField } from '../parts/field.tsx';
import { strings } from '../strings.ts';
import { fieldKind, type Schema, useSpecSchema } from './schema.ts';
import { isObject, type Manifest, valueIn } from './use-manifest.ts';

/** Fields of every data source; the others are one system each. */
const shared = new Set(['placement', 'maxConcurrentSyncs', 'maxRowsPerSecond']);

export function systemsOf(schema: Schema): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    !shared.has(name) && fieldKind(field) === 'object' ? [name] : [],
  );
}

/** Which system it is: a data source has exactly one. */
export function SystemSelect({ manifest }: { readonly manifest: Manifest }) {
  const { data: schema } = useSpecSchema('DataSource');
  const spec = valueIn(manifest.value, ['spec']);
  const systems = schema ? systemsOf(schema) : [];
  const current = systems.find((system) => isObject(spec) && spec[system] !== undefined) ?? '';
  const change = (system: string) => {
    const rest = Object.entries(isObject(spec) ? spec : {}).filter(([name]) => name !== current);
    manifest.setIn(
      ['spec'],
      Object.fromEntries([...(system === '' ? [] : [[system, {}] as const]), ...rest]),
    );
  };
  return (
    <SelectField
      label={strings.dataSources.system}
      value={current}
      options={[['', strings.editor.choose] as const, ...systems.map((system) => [system, system] as const)]}
      onChange={change}
    />
  );
}

/** The other systems are not part of the form. */
export function isOtherSystem(path: string, value: unknown): boolean {
  const [, name = '', more] = path.split('.');
  const spec = valueIn(value, ['spec']);
  return more === undefined && !shared.has(name) && !(isObject(spec) && spec[name] !== undefined);
}
