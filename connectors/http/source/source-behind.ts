import { restartCommand } from '../../../core/commands.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { OrderField } from './field-filter.ts';

/**
 * Notices that everything in a list is below the offset, so that what is written there would never be read. An empty answer says nothing: the
 * list may be empty, or the API may have left out what was read before.
 */
export class SourceBehind {
  readonly #request: ReadRequest;
  readonly #field: OrderField;
  readonly #since: string | undefined;
  #newest: string | undefined;
  #isUnknown = false;

  constructor(request: ReadRequest, field: OrderField, since: string | undefined) {
    this.#request = request;
    this.#field = field;
    this.#since = since;
  }

  /** A value that was seen in the list; undefined: one that does not fit its column. */
  see(value: string | undefined): void {
    if (value === undefined) this.#isUnknown = true;
    else if (this.#newest === undefined || this.#field.compare(value, this.#newest) > 0) this.#newest = value;
  }

  /** Throws SourceBehindOffset. Legal when the whole list was seen. */
  require(): void {
    const [newest, since] = [this.#newest, this.#since];
    if (newest === undefined || since === undefined || this.#isUnknown) return;
    if (this.#field.compare(newest, since) >= 0) return;
    const { mode, relation } = this.#request;
    throw permanent(
      'SourceBehindOffset',
      `the largest ${this.#field.column.name} of ${relation.name} is ${newest}, below the offset ${since}: the items were restored, or the newest ones were deleted; items that are written below the offset are not read`,
      {
        path: mode === 'Id' ? 'spec.source.idField' : 'spec.source.timestampField',
        fix: `run ${restartCommand} (reads everything again; nothing at the destination is deleted), or set the offset to ${newest} (continues from there). The Sync continues by itself when a larger value arrives`,
      },
    );
  }
}
