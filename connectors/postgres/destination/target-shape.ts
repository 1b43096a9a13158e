import { schemaChanged } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Relation } from '../../../core/values.ts';
import { describeTable, type TableEntry } from '../describe.ts';
import { schemaChangedState } from '../errors.ts';
import { fingerprintSql } from '../fingerprint.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/** A table as it was described, with the fingerprint that detects a change. */
export interface SeenTable {
  readonly entry: TableEntry;
  readonly fingerprint: string;
}

/**
 * The fingerprint is read first, so that a change before the description is detected by the first write. Undefined if the table does not
 * exist.
 */
export async function seeTable(
  session: Session,
  name: TableName,
  path: string,
): Promise<SeenTable | undefined> {
  const [[fingerprint] = []] = await session.query(`SELECT ${fingerprintSql(regclass(name))}`);
  const entry = await describeTable(session, name, path);
  return entry && { entry, fingerprint: fingerprint ?? 'none' };
}

type LockMode = 'ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE';

/**
 * Raises an error unless the table has this fingerprint, and keeps it unchanged until the end of the transaction. Partitions are not
 * locked: they follow their parent.
 */
export function requireSeenSql(
  name: TableName,
  fingerprint: string,
  mode: LockMode = 'ROW EXCLUSIVE',
): string {
  return `LOCK TABLE ONLY ${quoteName(name)} IN ${mode} MODE; ${seenSql(name, fingerprint)}`;
}

/** Raises an error unless the table, which the transaction has locked, has this fingerprint. */
export function seenSql(name: TableName, fingerprint: string): string {
  const check = `BEGIN IF ${fingerprintSql(regclass(name))} IS DISTINCT FROM ${literalText(fingerprint)}::bigint THEN
    RAISE EXCEPTION USING ERRCODE = '${schemaChangedState}', MESSAGE = '_idra_changed: the table is not the one that was planned'; END IF; END`;
  return `DO ${literalText(check)}`;
}

/** The shape of the table that a claim writes, which every write must find. It outlives the session that claimed. */
export class ClaimedShape {
  readonly #name: TableName;
  readonly #path: string;
  #relation: Relation;
  #fingerprint: string;

  constructor(name: TableName, path: string, { entry, fingerprint }: SeenTable) {
    this.#name = name;
    this.#path = path;
    this.#relation = entry.relation;
    this.#fingerprint = fingerprint;
  }

  get identity(): string | undefined {
    return this.#relation.identity;
  }

  requireSql(mode?: LockMode): string {
    return requireSeenSql(this.#name, this.#fingerprint, mode);
  }

  /** For a table that is already locked. */
  get seenSql(): string {
    return seenSql(this.#name, this.#fingerprint);
  }

  /** Call after a write was refused. Throws SchemaChanged unless the change does not affect a plan. */
  async requireUnchanged(session: Session): Promise<void> {
    const now = await seeTable(session, this.#name, this.#path);
    requireShape(this.#relation, now?.entry.relation ?? null);
    if (!now) throw schemaChanged(this.#relation.name);
    this.#fingerprint = now.fingerprint;
  }

  /** Call after Idra itself has replaced the table. */
  replacedBy({ entry, fingerprint }: SeenTable): void {
    this.#relation = entry.relation;
    this.#fingerprint = fingerprint;
  }
}
