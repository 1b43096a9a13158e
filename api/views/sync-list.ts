import type { z } from 'zod';
import type { Finding } from '../../core/errors.ts';
import type { FleetView, ViewChange } from '../../fleet/view/contract.ts';
import { everywhere } from '../access/roles.ts';
import type { facets, syncQuery } from '../schemas/syncs.ts';
import { type FacetField, facetFields, facetValue, parseSearch, type Search } from './search.ts';
import { ordered } from './sort.ts';
import { type SyncRowData, syncRowData } from './sync-row.ts';

export type SyncQuery = z.output<typeof syncQuery>;
type SearchQuery = Omit<SyncQuery, 'offset' | 'limit' | 'sort'>;
export type Facets = z.infer<typeof facets>;
export type Scope = typeof everywhere | ReadonlySet<string>;

export interface SyncPage {
  readonly items: readonly SyncRowData[];
  readonly total: number;
  readonly facets: Facets;
  readonly findings: readonly Finding[];
}

/** A row, and the generation of the view at which it changed last. */
interface IndexedRow {
  readonly row: SyncRowData;
  readonly changedAt: number;
}

/** What matches a search. Several pages and orders of it are asked for at a time. */
interface Found {
  readonly generation: number;
  readonly atMs: number;
  readonly rows: readonly SyncRowData[];
  readonly facets: Facets;
  readonly findings: readonly Finding[];
  /** By order: all rows, or the first ones. */
  readonly ordered: Map<string, readonly SyncRowData[]>;
}

const mostRemembered = 100;
const mostFacetValues = 100;
/** A list may be this old: with thousands of Syncs something changes every few milliseconds. */
const maxAgeMs = 300;
/** The first pages are asked for most; they need no order of all rows. */
const headRows = 200;

/** The rows of all Syncs in memory, for lists with filters, sorting and counts. */
export class SyncList {
  readonly #view: FleetView;
  readonly #rows = new Map<string, IndexedRow>();
  readonly #remembered = new Map<string, Found>();
  readonly #unlisten: () => void;
  /** Counts changes. */
  #generation = 0;

  constructor(view: FleetView) {
    this.#view = view;
    for (const sync of view.syncs()) this.#rows.set(sync.uid, { row: syncRowData(sync), changedAt: 0 });
    this.#unlisten = view.onChange((change) => this.#apply(change));
  }

  get generation(): number {
    return this.#generation;
  }

  rowOf(uid: string): SyncRowData | undefined {
    return this.#rows.get(uid)?.row;
  }

  hasChangedSince(uid: string, generation: number): boolean {
    return (this.#rows.get(uid)?.changedAt ?? 0) > generation;
  }

  /** `isNewest`: with every change until now; otherwise it may be a moment old. */
  page(query: SyncQuery, scope: Scope, isNewest = false): SyncPage {
    const { offset, limit, sort, ...search } = query;
    const found = this.#find(search, scope, isNewest);
    const isHead = offset + limit <= headRows;
    const key = `${sort} ${isHead}`;
    const rows =
      found.ordered.get(key) ?? ordered([...found.rows], sort, isHead ? headRows : found.rows.length);
    found.ordered.set(key, rows);
    const { facets, findings } = found;
    return { items: rows.slice(offset, offset + limit), total: found.rows.length, facets, findings };
  }

  /** All that match, for operations on many. */
  *matching(query: SyncQuery, scope: Scope): Iterable<SyncRowData> {
    const search = parseSearch(query);
    for (const { row } of this.#rows.values()) if (isInScope(row, scope) && matches(search, row)) yield row;
  }

  close(): void {
    this.#unlisten();
    this.#remembered.clear();
  }

  #apply(change: ViewChange): void {
    if (change.kind !== 'sync') return;
    this.#generation += 1;
    const sync = this.#view.getSync(change.uid);
    if (sync) this.#rows.set(change.uid, { row: syncRowData(sync), changedAt: this.#generation });
    else this.#rows.delete(change.uid);
  }

  #find(query: SearchQuery, scope: Scope, isNewest: boolean): Found {
    const key = JSON.stringify([query, scope === everywhere ? scope : [...scope].sort()]);
    const known = this.#remembered.get(key);
    const nowMs = performance.now();
    if (known?.generation === this.#generation) return known;
    if (known && !isNewest && nowMs - known.atMs < maxAgeMs) return known;
    const search = parseSearch(query);
    const counts = new FacetCounts();
    const rows: SyncRowData[] = [];
    for (const { row } of this.#rows.values()) {
      if (!isInScope(row, scope) || !search.others.every((holds) => holds(row))) continue;
      if (counts.add(row, search)) rows.push(row);
    }
    const found: Found = {
      generation: this.#generation,
      atMs: nowMs,
      rows,
      facets: counts.result(),
      findings: search.findings,
      ordered: new Map(),
    };
    // The oldest is forgotten first.
    this.#remembered.delete(key);
    this.#remembered.set(key, found);
    if (this.#remembered.size > mostRemembered)
      this.#remembered.delete(this.#remembered.keys().next().value ?? '');
    return found;
  }
}

function isInScope({ namespace }: SyncRowData, scope: Scope): boolean {
  return scope === everywhere || scope.has(namespace);
}

function matches({ fields, others }: Search, row: SyncRowData): boolean {
  return [...fields.values(), ...others].every((holds) => holds(row));
}

/** Counts of values; those of one field ignore the filter of that field, so that other values can be chosen. */
class FacetCounts {
  readonly #counts = new Map<FacetField, Map<string, number>>(facetFields.map((each) => [each, new Map()]));

  /** Whether the row matches all fields. */
  add(row: SyncRowData, { fields }: Search): boolean {
    let failed: FacetField | undefined;
    for (const [field, holds] of fields) {
      if (holds(row)) continue;
      if (failed !== undefined) return false;
      failed = field;
    }
    for (const field of failed === undefined ? facetFields : [failed]) {
      const counts = this.#counts.get(field);
      const value = facetValue(row, field);
      counts?.set(value, (counts.get(value) ?? 0) + 1);
    }
    return failed === undefined;
  }

  result(): Facets {
    const of = (field: FacetField) =>
      Object.fromEntries(
        [...(this.#counts.get(field) ?? [])].sort((a, b) => b[1] - a[1]).slice(0, mostFacetValues),
      );
    return Object.fromEntries(facetFields.map((field) => [field, of(field)])) as Facets;
  }
}
