import { type ReactNode, useId } from 'react';
import type { Finding } from '../api/types.ts';
import { strings } from '../strings.ts';
import { Input } from './field-inputs.tsx';
import { fieldKind, type Schema } from './schema.ts';
import { isObject, type Path, valueIn } from './use-manifest.ts';

/** A field with a form element of its own, such as a choice of data sources. */
export type Widget = (props: {
  readonly id: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}) => ReactNode;

export interface FormContext {
  /** The whole manifest. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Of the text's cursor: the same field is marked here. */
  readonly activePath: string;
  readonly widgets: Readonly<Record<string, Widget>>;
  /** Fields that are shown even if they are not set; the others are folded. */
  readonly isMain: (path: string) => boolean;
  readonly isHidden: (path: string) => boolean;
  /** The field that comes next to those that are required. */
  readonly isFirst: (path: string) => boolean;
  /** Below the fields of an object. */
  readonly after: (path: Path) => ReactNode;
  readonly set: (path: Path, value: unknown) => void;
  readonly onFocus: (path: Path) => void;
  readonly onYaml: (path: Path) => void;
}

interface GroupProps {
  readonly schema: Schema;
  readonly path: Path;
  readonly form: FormContext;
}

/** The fields of an object: those that matter first, the others folded. */
export function SchemaFields({ schema, path, form }: GroupProps) {
  const names = Object.keys(schema.properties ?? {}).filter(
    (name) => !form.isHidden([...path, name].join('.')),
  );
  const given = valueIn(form.value, path);
  const isShown = (name: string) =>
    schema.required?.includes(name) ||
    form.isMain([...path, name].join('.')) ||
    (isObject(given) && given[name] !== undefined && given[name] !== schema.properties?.[name]?.default);
  const rank = (name: string) =>
    schema.required?.includes(name) ? 0 : form.isFirst([...path, name].join('.')) ? 1 : 2;
  const isRanked = names.some((name) => rank(name) === 1);
  const shown = names.filter(isShown);
  if (isRanked) shown.sort((one, other) => rank(one) - rank(other));
  const folded = names.filter((name) => !isShown(name));
  const field = (name: string) => {
    const child = schema.properties?.[name];
    if (!child) return null;
    const isRequired = schema.required?.includes(name) ?? false;
    return (
      <SchemaField key={name} schema={child} path={[...path, name]} form={form} isRequired={isRequired} />
    );
  };
  return (
    <>
      {shown.map(field)}
      {folded.length > 0 && (
        <details className="more-fields">
          <summary>{strings.editor.more(folded.length)}</summary>
          <div className="form-fields">{folded.map(field)}</div>
        </details>
      )}
    </>
  );
}

function SchemaField({ schema, path, form, isRequired }: GroupProps & { readonly isRequired: boolean }) {
  const id = useId();
  const name = path.at(-1) ?? '';
  const dotted = path.join('.');
  const own = form.findings.filter((finding) => finding.path === dotted);
  const kind = fieldKind(schema);
  if (kind === 'object')
    return (
      <fieldset className="form-group" data-path={dotted} tabIndex={-1}>
        <legend>{name}</legend>
        {schema.description !== undefined && <p className="hint">{schema.description}</p>}
        <Problems findings={own} />
        <div className="form-fields">
          <SchemaFields schema={schema} path={path} form={form} />
        </div>
        {form.after(path)}
      </fieldset>
    );
  const value = valueIn(form.value, path);
  const isActive = form.activePath === dotted;
  const widget = form.widgets[dotted];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the focus is that of the element within
    <div
      className={`field ${isActive ? 'is-active' : ''}`}
      data-path={dotted}
      onFocus={() => form.onFocus(path)}
    >
      <label htmlFor={id}>
        {name}
        {isRequired && <span className="soft"> {strings.editor.required}</span>}
      </label>
      {widget ? (
        widget({ id, value, onChange: (next) => form.set(path, next) })
      ) : (
        <Input
          id={id}
          kind={kind}
          schema={schema}
          value={value}
          isInvalid={own.length > 0}
          onChange={(next) => form.set(path, next)}
          onYaml={() => form.onYaml(path)}
        />
      )}
      <Problems findings={own} />
      {schema.description !== undefined && (
        <p className="hint" id={`${id}-note`}>
          {schema.description}
        </p>
      )}
    </div>
  );
}

function Problems({ findings }: { readonly findings: readonly Finding[] }) {
  return findings.map(({ code, message, fix }) => (
    <p key={`${code} ${message}`} className="hint hint-failed">
      {message}
      {fix === undefined ? '' : `. ${strings.toDo(fix)}`}
    </p>
  ));
}
