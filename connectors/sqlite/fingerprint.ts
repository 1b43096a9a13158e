import type { Database } from 'better-sqlite3';
import { schemaChanged } from '../../core/errors.ts';
import { shapeOf } from '../../core/relation-shape.ts';
import type { Relation } from '../../core/values.ts';

/**
 * Checks that an object still has the shape that it was planned with (Invariant 11), within the transaction that reads or writes it.
 * SQLite counts the changes of a file's schema; the object is described again only if that count has changed.
 */
export class SchemaWatch {
  readonly #database: Database;
  readonly #name: string;
  readonly #describe: () => Relation | undefined;
  #verified: { readonly version: bigint; readonly shape: string } | undefined;

  constructor(database: Database, name: string, describe: () => Relation | undefined) {
    this.#database = database;
    this.#name = name;
    this.#describe = describe;
  }

  /** Throws SchemaChanged. */
  requireShape(shape: string): void {
    const version = this.#version();
    if (this.#verified?.version === version && this.#verified.shape === shape) return;
    const now = this.#describe();
    if (now === undefined || shapeOf(now) !== shape) throw schemaChanged(this.#name);
    this.#verified = { version, shape };
  }

  /** If a statement fails because the table has been replaced, it must not be reported as an error to fix. */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      if (this.#verified && this.#verified.version !== this.#version()) throw schemaChanged(this.#name);
      throw thrown;
    }
  }

  #version(): bigint {
    return this.#database.pragma('schema_version', { simple: true }) as bigint;
  }
}
