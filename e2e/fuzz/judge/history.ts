import type { Kind } from '../../pairs/type-case.ts';
import type { DocumentValue } from '../document-reader.ts';
import type { RawRow } from '../table-reader.ts';

/** A value as it was committed at the source, with the kind that its column had then. */
export interface PastValue {
  readonly kind: Kind;
  readonly text: string | null;
  /** Name of the case in e2e/pairs/types. */
  readonly type?: string;
  /** Of a document. */
  readonly document?: DocumentValue;
}

/** A row of the source at some time. */
export interface Version {
  /** Number of the first observation of the source that contained it. */
  readonly since: number;
  readonly values: ReadonlyMap<string, PastValue>;
}

/** All committed states of a source that the tester has observed: it reads the source after each of its own commits. */
export class History {
  readonly #rows = new Map<string, Version[]>();
  #current: ReadonlyMap<string, readonly Version[]> = new Map();
  observations = 0;

  /** `rows`: what the relation returns now, by the tester's number of a row; a number may occur more than once. */
  record(rows: readonly { readonly row: string; readonly values: ReadonlyMap<string, PastValue> }[]): void {
    this.observations += 1;
    const current = new Map<string, Version[]>();
    for (const { row, values } of rows) {
      const version = this.#versionOf(row, values);
      current.set(row, [...(current.get(row) ?? []), version]);
    }
    this.#current = current;
  }

  /** Versions of the rows that exist now. */
  get current(): ReadonlyMap<string, readonly Version[]> {
    return this.#current;
  }

  versions(row: string): readonly Version[] {
    return this.#rows.get(row) ?? [];
  }

  #versionOf(row: string, values: ReadonlyMap<string, PastValue>): Version {
    const known = this.#rows.get(row) ?? [];
    this.#rows.set(row, known);
    const text = textOf(values);
    const same = known.at(-1);
    if (same && textOf(same.values) === text) return same;
    const version = { since: this.observations, values };
    known.push(version);
    return version;
  }
}

function textOf(values: Version['values']): string {
  return JSON.stringify([...values].map(([name, { text, document }]) => [name, document?.exact ?? text]));
}

/** One row of the destination, as its reader returns it. A document has only the fields that it has. */
export type ArrivedRow = RawRow;
