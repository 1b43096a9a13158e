import { restartCommand } from './commands.ts';
import type { Finding } from './errors.ts';
import { type NameRules, namesCollide, nameTooLong } from './name-rules.ts';
import type { SchemaChanges } from './sync-spec.ts';
import type { Column, ColumnType, Relation } from './values.ts';

/** A column to read, in the order of the batch's rows. */
export interface ReadColumn {
  readonly column: Column;
}

export const textOrder = 'its text';

/** The types that a system can store and how. Each connector has one; docs/types are generated from them. */
export interface TypeTable {
  /** The system's type that keeps every value of `type`, or the reason why there is none. */
  columnFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal;
  /** Whether an existing column keeps every value of `type`. Must accept what `columnFor` returns for the same type and use. */
  accepts(existing: Column, type: ColumnType, use: ColumnUse): Acceptance;
  /**
   * Why rows cannot be paged by a column. Undefined: its values are ordered, and each has a text that identifies its position exactly.
   */
  keyRefusal(column: Column): string | undefined;
  /**
   * The order in which a type's values are sorted, if it is not that of the values themselves: `textOrder` for a type that keeps texts,
   * which sorts the numbers in it as texts; a description for the UUIDs of MariaDB.
   */
  orderOf(nativeType: string): string | undefined;
  readonly names: NameRules;
  /** Problems of all columns together, some of which are yet to be created. */
  rowFindings?(columns: readonly PlannedColumn[]): readonly Finding[];
}

export interface ColumnUse {
  /** Part of a key or index: MySQL needs a length there, and a no-pad binary collation. */
  readonly isKey: boolean;
  /** Set if the source is the same system: its own type is kept by name (`inet` to `inet`). */
  readonly nativeType?: string;
}

export interface NativeType {
  /** DDL: `numeric(38,10)`. */
  readonly ddl: string;
  /** A conversion that changes the form of the value: `stored as text`. Shown by plan; without it the value arrives unchanged. */
  readonly note?: string;
  /** Some values of the source's type do not fit: such rows are handled by onError. */
  readonly misfits?: string;
  /**
   * The misfits are values that ordinary tables do not have (NaN, infinities, years beyond 9999), so there is no warning about them at
   * each run.
   */
  readonly isRare?: true;
}
export interface TypeRefusal {
  /** Why no type of the system keeps it, and what to do. */
  readonly refusal: string;
}

export type Acceptance =
  | { readonly isAccepted: true; readonly note?: string; readonly misfits?: string; readonly isRare?: true }
  /** `varchar(10) keeps 10 characters`. */
  | { readonly isAccepted: false; readonly reason: string };

/** The mapping of one column. */
export interface PlannedColumn {
  readonly source: Column;
  /** Name at the destination. */
  readonly name: string;
  /** Null: the column (or the table) is yet to be created. */
  readonly existing: Column | null;
  /** DDL of the column to create, or the native type of the existing one. */
  readonly ddl: string;
  readonly isNullable: boolean;
  /**
   * For a text column that is created as part of a key: it gets a binary collation. No index of a view or query shows that its rows are
   * distinct under the source's collation, and rows that are equal under the destination's would overwrite each other.
   */
  readonly isComparedAsBytes?: true;
}

export interface ColumnPlan {
  readonly columns: readonly PlannedColumn[];
  readonly findings: readonly Finding[];
  /** Source columns that are left out with an error finding of their own; no further findings are reported for them. */
  readonly refused: readonly string[];
}

export interface ColumnPlanInput {
  readonly source: Relation;
  readonly existing: Relation | null;
  readonly types: TypeTable;
  readonly isSameSystem: boolean;
  /** Key columns at the destination, by their names there. */
  readonly key: readonly string[];
  readonly schemaChanges: SchemaChanges;
  /** A column that is not of the source, and that an existing table must have or get. */
  readonly own?: string;
  /** How the manifest names the two objects. */
  readonly paths: { readonly source: string; readonly destination: string };
  /** Remedies.columnsField of the source. */
  readonly columnsField: string;
}

/**
 * Pure: which columns are copied, as which types, and what to report to the user about it (Invariant 6). Error findings stop the Sync.
 */
export function planColumns(input: ColumnPlanInput): ColumnPlan {
  if (input.source.columns.length === 0) return { columns: [], findings: [noColumns(input)], refused: [] };
  const findings: Finding[] = [];
  const columns: PlannedColumn[] = [];
  const refused: string[] = [];
  for (const column of input.source.columns) {
    const before = findings.length;
    const planned = input.existing
      ? matchExisting(column, input, input.existing, findings)
      : create(column, input, findings);
    if (planned) columns.push(planned);
    else if (findings.slice(before).some((finding) => finding.severity === 'error'))
      refused.push(column.name);
  }
  findings.push(...nameFindings(columns, input), ...(input.types.rowFindings?.(columns) ?? []));
  findings.push(...unfilledColumns(input, columns, refused));
  return { columns, findings, refused };
}

function noColumns({ source: { name }, paths }: ColumnPlanInput): Finding {
  return {
    severity: 'error',
    code: 'NoColumns',
    path: paths.source,
    message: `${name} has no columns: nothing to copy`,
    fix: 'name a table with columns',
  };
}

/** Columns to be created whose names the system truncates or cannot distinguish. */
function nameFindings(columns: readonly PlannedColumn[], input: ColumnPlanInput): Finding[] {
  const { types, existing, paths, columnsField } = input;
  const created = columns.filter((each) => each.existing === null).map((each) => each.name);
  const others = [...columns.map((each) => each.name), ...(existing?.columns ?? []).map((each) => each.name)];
  return created.flatMap((name) => {
    const tooLong = nameTooLong({
      name,
      what: `column ${name}`,
      names: types.names,
      path: paths.destination,
      fix: `rename it in ${columnsField}`,
    });
    if (tooLong) return [tooLong];
    const twin = others.find((each) => each !== name && types.names.fold(each) === types.names.fold(name));
    return twin === undefined || (created.includes(twin) && created.indexOf(twin) > created.indexOf(name))
      ? []
      : [namesCollide(name, twin, paths.destination, `rename one of them in ${columnsField}`)];
  });
}

function create(column: Column, input: ColumnPlanInput, findings: Finding[]): PlannedColumn | undefined {
  const use = useOf(column, input);
  const native = input.types.columnFor(column.type, use);
  if ('refusal' in native) {
    findings.push({
      severity: 'error',
      code: 'TypeNotKept',
      path: input.paths.destination,
      message: `column ${column.name} (${column.nativeType}): ${native.refusal}`,
      fix: `leave the column out in ${input.columnsField}, or create the destination with a type of your choice`,
    });
    return undefined;
  }
  addNotes(column, native, native.ddl, findings);
  return {
    source: column,
    name: column.name,
    existing: null,
    ddl: native.ddl,
    isNullable: column.isNullable && !use.isKey,
    ...(use.isKey && input.source.isOpaque && column.type.kind === 'text' && { isComparedAsBytes: true }),
  };
}

function useOf(column: Column, { key, isSameSystem, own }: ColumnPlanInput): ColumnUse {
  const isKey = key.includes(column.name);
  return isSameSystem && column.name !== own ? { isKey, nativeType: column.nativeType } : { isKey };
}

function matchExisting(
  column: Column,
  input: ColumnPlanInput,
  existing: Relation,
  findings: Finding[],
): PlannedColumn | undefined {
  if (existing.hasOpenColumns) {
    const planned = create(column, input, findings);
    return planned && { ...planned, existing: openColumn(planned) };
  }
  const found = existing.columns.find((each) => each.name === column.name);
  if (!found) return missingColumn(column, input, existing, findings);
  if (found.isGenerated) {
    findings.push(generatedThere(column, existing, input));
    return undefined;
  }
  const acceptance = input.types.accepts(found, column.type, useOf(column, input));
  if (!acceptance.isAccepted) {
    findings.push({
      severity: 'error',
      code: 'ColumnTooNarrow',
      path: input.paths.destination,
      message: `column ${found.name} of ${existing.name} is ${found.nativeType}, the source's is ${column.nativeType}: ${acceptance.reason}`,
      fix: `widen column ${found.name} of ${existing.name}, or cast it in ${input.columnsField}`,
    });
    return undefined;
  }
  if (column.isNullable && !found.isNullable) {
    findings.push({
      severity: 'warning',
      code: 'NotNullAtDestination',
      path: input.paths.destination,
      message: `column ${found.name} of ${existing.name} refuses NULL, and the source's may be NULL: such rows are handled by onError`,
    });
  }
  // The same type of the same system holds the same values, so the misfits of other systems' values do not apply.
  const isSameType = input.isSameSystem && found.nativeType === column.nativeType;
  if (!isSameType) addNotes(column, acceptance, found.nativeType, findings);
  return {
    source: column,
    name: found.name,
    existing: found,
    ddl: found.nativeType,
    isNullable: found.isNullable,
  };
}

/** The column of a destination that accepts any column. */
function openColumn({ name, source, ddl }: PlannedColumn): Column {
  return { name, type: source.type, nativeType: ddl, isNullable: true };
}

/** The existing column for a planned one in the claimed relation; null: there is none. */
export function columnIn(existing: Relation, planned: PlannedColumn): Column | null {
  if (existing.hasOpenColumns) return openColumn(planned);
  return existing.columns.find(({ name }) => name === planned.name) ?? null;
}

function missingColumn(
  column: Column,
  input: ColumnPlanInput,
  existing: Relation,
  findings: Finding[],
): PlannedColumn | undefined {
  const isOwn = column.name === input.own;
  switch (isOwn && input.schemaChanges === 'Ignore' ? 'Fail' : input.schemaChanges) {
    case 'AddColumns': {
      const planned = create(column, { ...input, key: [] }, findings);
      if (planned && !isOwn) findings.push(columnAdded(column, existing));
      return planned && { ...planned, isNullable: true };
    }
    case 'Ignore':
      findings.push({
        severity: 'warning',
        code: 'ColumnIgnored',
        message: `column ${column.name} of the source is missing in ${existing.name} and is left out (schemaChanges: Ignore)`,
      });
      return undefined;
    case 'Fail':
      findings.push({
        severity: 'error',
        code: 'ColumnMissing',
        path: 'spec.schemaChanges',
        message: `column ${column.name} ${isOwn ? '(for deletes Soft)' : 'of the source'} is missing in ${existing.name}`,
        fix: `add the column, or set schemaChanges to AddColumns${isOwn ? '' : ' or Ignore'}`,
      });
      return undefined;
  }
}

function columnAdded({ name }: Column, existing: Relation): Finding {
  return {
    severity: 'info',
    code: 'ColumnAdded',
    message: `column ${name} of the source is missing in ${existing.name} and is added there (schemaChanges: AddColumns): it is NULL in existing rows`,
    fix: `nothing if this is intended; else ${restartCommand} after it was added, which moves all rows again`,
  };
}

/** A column computed at both ends usually has the same formula, but this cannot be verified. */
function generatedThere(column: Column, existing: Relation, { columnsField }: ColumnPlanInput): Finding {
  return {
    severity: column.isGenerated ? 'info' : 'warning',
    code: 'ColumnComputed',
    message: `column ${column.name} of ${existing.name} is computed from other columns there: the source's values are not written`,
    fix: `make ${column.name} a plain column, or leave it out in ${columnsField}`,
  };
}

function unfilledColumns(
  { existing, paths, columnsField }: ColumnPlanInput,
  planned: readonly PlannedColumn[],
  refused: readonly string[],
): Finding[] {
  if (!existing) return [];
  const names = new Set([...planned.map((each) => each.name), ...refused]);
  return existing.columns
    .filter(
      (each) =>
        !each.isNullable &&
        !each.hasDefault &&
        !each.isGenerated &&
        !each.isIdentity &&
        !names.has(each.name),
    )
    .map((each) => ({
      severity: 'error' as const,
      code: 'ColumnUnfilled',
      path: paths.destination,
      message: `column ${each.name} of ${existing.name} refuses NULL and has no default, and the source has no such column`,
      fix: `give ${each.name} a default, or add it to the source in ${columnsField}`,
    }));
}

function addNotes(
  column: Column,
  native: { note?: string; misfits?: string; isRare?: true },
  ddl: string,
  findings: Finding[],
): void {
  if (native.note) {
    findings.push({
      severity: 'info',
      code: 'TypeNote',
      message: `column ${column.name}: ${column.nativeType} -> ${ddl}: ${native.note}`,
    });
  }
  if (native.misfits) {
    findings.push({
      severity: native.isRare ? 'info' : 'warning',
      code: 'TypeMisfits',
      message: `column ${column.name}: ${column.nativeType} -> ${ddl}: ${native.misfits}; such rows are handled by onError`,
    });
  }
}
