import type { PlannedColumn } from '../../../core/column-plan.ts';
import { type ColumnMisfit, jsonOf, rowWriter } from '../../../core/records/canonical-json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { Row } from '../../../core/values.ts';
import type { Scope, TemplateValue } from '../template.ts';

/** A row as the values of templates: the whole as a JSON object, and each field. */
export interface WrittenRow {
  readonly json: string;
  readonly scope: Scope;
}

/** Makes rows of a plan to JSON (docs/columns.md); NULL is left out. A misfit is a value that JSON cannot keep. */
export class RowWriter {
  readonly #columns: readonly PlannedColumn[];
  readonly #write: (row: Row) => string | ColumnMisfit;
  readonly #fields: ReadonlyMap<string, { readonly at: number; readonly write: ReturnType<typeof jsonOf> }>;

  constructor(columns: readonly PlannedColumn[]) {
    this.#columns = columns;
    const named = columns.map(({ name, source }) => ({ name, type: source.type }));
    this.#write = rowWriter(named);
    this.#fields = new Map(named.map(({ name, type }, at) => [name, { at, write: jsonOf(type) }]));
  }

  get names(): readonly string[] {
    return this.#columns.map(({ name }) => name);
  }

  write(row: Row): WrittenRow | ColumnMisfit {
    const json = this.#write(row);
    if (typeof json !== 'string') return json;
    return { json, scope: this.scopeOf(row, json) };
  }

  /** The fields of a row, of which some may be missing: a deletion has only its key. */
  scopeOf(row: Row, json: string): Scope {
    return {
      value: (name, field) => {
        if (name !== 'row') return undefined;
        return field === undefined ? { json, text: json } : this.#field(row, field);
      },
    };
  }

  #field(row: Row, name: string): TemplateValue | undefined {
    const field = this.#fields.get(name);
    const value = field === undefined ? null : (row[field.at] ?? null);
    if (field === undefined || value === null) return undefined;
    const json = field.write(value);
    if (json instanceof Misfit) return undefined;
    // A text without its quotes; numbers are texts with all their digits already.
    const text = json.startsWith('"') ? String(JSON.parse(json)) : json;
    return { json, text };
  }
}
