import type { DataSourceRow } from '../api/types.ts';
import { SelectField, TextField } from '../parts/field.tsx';
import { strings } from '../strings.ts';
import { type BatchSettings, hasId, hasTimestamp } from './batch.ts';

const text = strings.manySyncs;

interface BatchFormProps {
  readonly settings: BatchSettings;
  readonly dataSources: readonly DataSourceRow[];
  readonly source: DataSourceRow;
  readonly destination: DataSourceRow | undefined;
  readonly onChange: (settings: BatchSettings) => void;
}

/** What all of them have in common. */
export function BatchForm({ settings, dataSources, source, destination, onChange }: BatchFormProps) {
  const set = (changed: Partial<BatchSettings>) => onChange({ ...settings, ...changed });
  const input = (field: keyof BatchSettings) => ({
    value: settings[field],
    onChange: (event: { readonly target: { readonly value: string } }) =>
      set({ [field]: event.target.value }),
  });
  const ends = dataSources.map(({ name, type }) => [name, `${name} (${type})`] as const);
  return (
    <>
      <div className="list-tools list-fields">
        <SelectField
          label={text.destination}
          value={settings.destination}
          options={[['', strings.editor.choose], ...ends]}
          onChange={(destination) => set({ destination })}
        />
        <TextField label={text.nameTemplate} {...input('name')} />
        <TextField label={text.objectTemplate} {...input('object')} />
      </div>
      <div className="list-tools list-fields">
        <SelectField
          label={text.mode}
          value={settings.mode}
          options={choices(source.modes, settings.mode)}
          onChange={(mode) => set({ mode })}
        />
        {hasTimestamp(settings.mode) && (
          <TextField label={text.timestampField} {...input('timestampField')} />
        )}
        <SelectField
          label={text.writeMode}
          value={settings.writeMode}
          options={choices(destination?.writeModes, settings.writeMode)}
          onChange={(writeMode) => set({ writeMode })}
        />
        <TextField label={text.every} {...input('every')} />
      </div>
      <p className="hint">
        {text.templates} {hasId(settings.mode) && text.idIsKey}
      </p>
    </>
  );
}

/** Before the destination is chosen, only what is set already. */
function choices(offered: readonly string[] | undefined, current: string) {
  return (offered ?? [current]).map((value) => [value, value] as const);
}
