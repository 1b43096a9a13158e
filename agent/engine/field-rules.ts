import type { SourceCapabilities } from '../../core/definition.ts';
import type { Finding } from '../../core/errors.ts';
import { columnRemedy } from '../../core/nearest.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Column, ColumnType, Relation } from '../../core/values.ts';
import { type LastDestinationInput, lastDestinationFindings } from './last-destination-rules.ts';

export interface FieldInput extends LastDestinationInput {
  readonly existing: Relation | null;
  /** Of the source. */
  readonly capabilities: Pick<SourceCapabilities, 'hasSessionTimeZone' | 'hasTextTimestamps'>;
  readonly remedies: Remedies;
  /** Zone of a field without one. */
  readonly timeZone: string;
}

const hourMs = 3_600_000;

/** Whether the fields that a mode reads by exist, have an order, and denote one instant. Pure. */
export function fieldFindings(input: FieldInput): Finding[] {
  switch (input.spec.mode) {
    case 'Id':
    case 'LastDestinationId':
      return [
        ...idFindings(input),
        ...nullableFindings(input, 'idField'),
        ...lastDestinationFindings(input, 'idField'),
      ];
    case 'Timestamp':
    case 'LastDestinationTimestamp':
      return [
        ...timestampFindings(input),
        ...nullableFindings(input, 'timestampField'),
        ...lastDestinationFindings(input, 'timestampField'),
      ];
    case 'Snapshot':
    case 'Stream':
      return [];
  }
}

/** Reported before the first run; each pass reports how many rows have NULL. In views and queries every column may be NULL. */
function nullableFindings(
  { spec, relation, remedies }: FieldInput,
  name: 'idField' | 'timestampField',
): Finding[] {
  const column = findField(relation, spec.source[name]);
  if (!column?.isNullable || relation.isOpaque) return [];
  return [
    {
      severity: 'info',
      code: 'FieldNullable',
      path: `spec.source.${name}`,
      message: `${column.name} of ${relation.name} may be NULL: rows with NULL in it are never read`,
      fix: `${remedies.requireValues([column.name])}, fill it in ${remedies.columnsField}, or use mode Snapshot`,
    },
  ];
}

function idFindings({ spec, relation }: FieldInput): Finding[] {
  const path = 'spec.source.idField';
  const column = findField(relation, spec.source.idField);
  if (!column) return [missingField(relation, spec.source.idField, path)];
  if (isOrdered(column.type)) return [];
  const why =
    column.type.kind === 'uuid' ? 'random UUIDs do not ascend: new ones would be skipped' : 'it has no order';
  return [
    {
      severity: 'error',
      code: 'FieldNotOrdered',
      path,
      message: `${column.name} of ${relation.name} is ${column.nativeType}: ${why}`,
      fix: 'use an integer or another ascending field, or mode Timestamp or Snapshot',
    },
  ];
}

function timestampFindings({ spec, relation, capabilities, timeZone }: FieldInput): Finding[] {
  const path = 'spec.source.timestampField';
  const column = findField(relation, spec.source.timestampField);
  if (!column) return [missingField(relation, spec.source.timestampField, path)];
  const { type } = column;
  const isTextTime = capabilities.hasTextTimestamps && type.kind === 'text';
  if (type.kind !== 'timestamp' && type.kind !== 'date' && !isTextTime) {
    return [
      {
        severity: 'error',
        code: 'FieldNotTimestamp',
        path,
        message: `${column.name} of ${relation.name} is ${column.nativeType}, not a timestamp`,
        fix: 'name a timestamp column, or use mode Id',
      },
    ];
  }
  const hasZone = type.kind === 'timestamp' && type.hasZone;
  if (!hasZone && !isTimeZone(timeZone)) {
    return [
      {
        severity: 'error',
        code: 'TimeZoneUnknown',
        path: 'spec.source.timeZone',
        message: `${column.name} has no time zone, and the time zone of the server (${timeZone}) is not known to Idra`,
        fix: 'set source.timeZone to the zone in which the column is written, such as Europe/Rome or +09:00',
      },
    ];
  }
  if (hasZone || !hasSummerTime(timeZone) || (spec.safetyLagMs ?? 0) >= hourMs) return [];
  return [
    {
      severity: 'error',
      code: 'SummerTime',
      path: 'spec.safetyLag',
      message: `${column.name} has no time zone and ${timeZone} sets its clocks back once a year: rows of that hour would be skipped`,
      fix: 'set safetyLag to 1h or more, or source.timeZone to UTC if that is what the column holds',
    },
  ];
}

/** The column of a Timestamp mode whose values denote instants only with a configured zone. */
export function zonelessField(
  spec: Pick<SyncSpec, 'mode' | 'source'>,
  relation: Relation,
): Column | undefined {
  if (!spec.mode.endsWith('Timestamp')) return undefined;
  const column = findField(relation, spec.source.timestampField);
  return column?.type.kind === 'timestamp' && column.type.hasZone ? undefined : column;
}

/** Sessions that write the column may use another zone than the server's default. */
export function timeZoneFindings({ spec, relation, capabilities, timeZone }: FieldInput): Finding[] {
  const column = zonelessField(spec, relation);
  if (!column || spec.source.timeZone !== undefined || !capabilities.hasSessionTimeZone) return [];
  return [
    {
      severity: /^(Etc\/)?(UTC|UCT|GMT|Universal|Zulu)$|^\+00:00$/.test(timeZone) ? 'info' : 'warning',
      code: 'TimeZoneAssumed',
      path: 'spec.source.timeZone',
      message: `${column.name} of ${relation.name} has no time zone and is read in ${timeZone}, which the server gives to new sessions: rows of a session that sets another zone may be read too early and lost`,
      fix: 'set source.timeZone to the zone of the sessions that write the column',
    },
  ];
}

export function isOrdered(type: ColumnType): boolean {
  return ['int', 'decimal', 'float', 'text', 'bytes', 'date', 'timestamp'].includes(type.kind);
}

export function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Whether the zone's offset from UTC differs between January and July of some recent year. */
export function hasSummerTime(timeZone: string): boolean {
  const offsets = [0, 3, 6, 9].map((month) => {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(
      new Date(Date.UTC(2025, month, 1)),
    );
    return parts.find((part) => part.type === 'timeZoneName')?.value;
  });
  return new Set(offsets).size > 1;
}

function findField(relation: Relation, name: string | undefined): Column | undefined {
  return relation.columns.find((column) => column.name === name);
}

export function missingField(relation: Relation, name: string | undefined, path: string): Finding {
  return {
    severity: 'error',
    code: 'FieldNotFound',
    path,
    message: `${relation.name} has no column ${name ?? '(none named)'}`,
    fix: columnRemedy(
      name,
      relation.columns.map((column) => column.name),
    ),
  };
}
