import { useEffect, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { strings } from '../strings.ts';
import { type FieldKind, fitsInLine, shownText, textOf, typedValue } from './field-text.ts';
import type { Schema } from './schema.ts';

interface InputProps {
  readonly id: string;
  readonly kind: FieldKind;
  readonly schema: Schema;
  readonly value: unknown;
  readonly isInvalid: boolean;
  readonly onChange: (value: unknown) => void;
  readonly onYaml: () => void;
}

export function Input({ id, kind: given, schema, value, isInvalid, onChange, onYaml }: InputProps) {
  const kind = fitsInLine(given, value) ? given : 'yaml';
  const common = {
    id,
    'aria-invalid': isInvalid || undefined,
    'aria-describedby': schema.description === undefined ? undefined : `${id}-note`,
  };
  switch (kind) {
    case 'choice':
      return (
        <select {...common} value={textOf(value)} onChange={(event) => onChange(event.target.value)}>
          <option value="">{unset(schema)}</option>
          {schema.enum?.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      );
    case 'flag':
      return (
        <input
          {...common}
          type="checkbox"
          checked={value === true || (value === undefined && schema.default === true)}
          onChange={(event) => onChange(flagOf(event.target.checked, schema))}
        />
      );
    case 'yaml':
    case 'object':
      return (
        <span>
          <Button kind="quiet" id={id} onClick={onYaml}>
            {value === undefined ? strings.editor.inYaml : strings.editor.setInYaml}
          </Button>
        </span>
      );
    case 'long':
      return (
        <textarea
          {...common}
          rows={4}
          value={textOf(value)}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    default:
      return <TextInput common={common} kind={kind} schema={schema} value={value} onChange={onChange} />;
  }
}

/** What is typed stays as it is while it is typed, even where the value of it is written differently. */
function TextInput({
  common,
  kind,
  schema,
  value,
  onChange,
}: Pick<InputProps, 'kind' | 'schema' | 'value' | 'onChange'> & { readonly common: object }) {
  const shown = shownText(kind, value);
  const [typed, setTyped] = useState(shown);
  useEffect(() => {
    setTyped((old) => (shownText(kind, typedValue(kind, old)) === shown ? old : shown));
  }, [shown, kind]);
  return (
    <input
      {...common}
      inputMode={kind === 'number' ? 'numeric' : undefined}
      placeholder={unset(schema)}
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value);
        onChange(typedValue(kind, event.target.value));
      }}
    />
  );
}

function unset(schema: Schema): string {
  return schema.default === undefined || typeof schema.default === 'object' ? '' : String(schema.default);
}

/** A flag that has only the value true is removed, not set to false. */
function flagOf(isOn: boolean, schema: Schema): unknown {
  if (isOn) return schema.default === true ? undefined : true;
  return schema.default === true ? false : undefined;
}
