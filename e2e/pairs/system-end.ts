import type { Guarantee } from '../../core/connector.ts';
import type { SystemType } from '../../core/sync-spec.ts';

/** One row of the small set, in the types of JSON: the id and the amount as their digits. */
export interface PairRow {
  readonly id: string;
  readonly name: string | null;
  /** Four digits behind the point. */
  readonly amount: string;
  /** In UTC, with milliseconds and without a zone: `2026-11-24 08:00:00.123`. */
  readonly at: string;
}

/** Integers and decimals that a JavaScript number would round, text beyond ASCII, and NULL. */
export const pairRows: readonly PairRow[] = Array.from({ length: 12 }, (_, index) => ({
  id: String(9_007_199_254_740_993n + BigInt(index)),
  name: index % 4 === 3 ? null : `row ${index} é🌊 "quoted" 'text'`,
  amount: `${index % 2 === 0 ? '' : '-'}12345678901234.${String(1_001 + 2 * index).padStart(4, '0')}`,
  at: `2026-11-24 08:00:${String(index).padStart(2, '0')}.123`,
}));

/** The columns of a row, as `source.columns` of systems without fixed columns. */
export const pairColumns = [
  { name: 'id', type: 'int64', nullable: false },
  { name: 'name', type: 'text' },
  { name: 'amount', type: 'decimal(18,4)' },
  { name: 'at', type: 'timestamp(3)' },
] as const;

export const readColumns = [
  { name: 'id', kind: 'int' },
  { name: 'name', kind: 'text' },
  { name: 'amount', kind: 'decimal' },
  { name: 'at', kind: 'timestamp' },
] as const;

/** A system as both ends of a Sync. Its source has the rows of `pairRows`. */
export interface SystemEnd {
  readonly type: SystemType;
  /** A DataSource of this name, with its Secret. */
  manifest(name: string): string;
  /** Fields of spec.source. */
  readonly source: object;
  readonly mode: 'Snapshot' | 'Stream';
  /** Fields of spec.destination for rows that come from another system. */
  destination(from: string): object;
  readonly writeMode: 'Upsert' | 'Append';
  /** What this server promises as a destination, which may be less than what its system can. */
  readonly guarantee: Guarantee;
  /** What has arrived from that system, in the order of the ids. */
  rows(from: string): Promise<readonly PairRow[]>;
}
