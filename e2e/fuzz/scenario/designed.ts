import type { Shape } from '../systems/system.ts';
import type { RowCounters, TableDesign } from './columns.ts';
import type { FieldKind, IdKind } from './document-values.ts';
import type { Flow } from './scenario.ts';

/** A flow, with what more rows and changes of it are generated from. */
export interface DesignedFlow {
  readonly flow: Flow;
  /** One of the two. */
  readonly table?: TableDesign;
  readonly documents?: DocumentDesign;
  readonly shape?: Shape | undefined;
  readonly counters: RowCounters;
}

/** The design of a collection and its documents. */
export interface DocumentDesign {
  readonly id: IdKind;
  readonly sequence: TableDesign['sequence'];
  readonly values: readonly { readonly name: string; readonly kind: FieldKind }[];
  /** Now and then a value does not fit the column of its field. */
  readonly hasMisfits: boolean;
  /** Now and then a document has a field that none has had before. */
  readonly hasNewFields: boolean;
}

/** A change of a table or collection. */
export interface Change {
  readonly what: string;
  /** Columns whose values may differ after it. */
  readonly touches: readonly string[];
  readonly sql: readonly string[];
}
