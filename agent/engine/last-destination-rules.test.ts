import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types as mysql } from '../../connectors/mysql/types/types.ts';
import { types as postgres } from '../../connectors/postgres/types/types.ts';
import { types as sqlite } from '../../connectors/sqlite/types/types.ts';
import type { TypeTable } from '../../core/column-plan.ts';
import type { Column, ColumnType } from '../../core/values.ts';
import { lastDestinationFindings } from './last-destination-rules.ts';
import { spec } from './test-objects.ts';

const column = (name: string, type: ColumnType, change: Partial<Column> = {}): Column => ({
  name,
  type,
  nativeType: type.kind,
  isNullable: false,
  ...change,
});
const seen = column('seen', { kind: 'timestamp', precision: 6, hasZone: true });

interface Ends {
  readonly source: Column;
  /** A column that exists, or DDL of one that is yet to be created. */
  readonly there: Column | string;
  readonly isSameSystem?: boolean;
  readonly sourceTypes?: TypeTable;
  readonly destinationTypes?: TypeTable;
}

function codeOf(mode: 'LastDestinationId' | 'LastDestinationTimestamp', field: string, ends: Ends) {
  const { source, there } = ends;
  const idField = mode === 'LastDestinationId';
  const [found] = lastDestinationFindings(
    {
      spec: {
        ...spec,
        mode,
        source: { dataSource: 'a', ...(idField ? { idField: field } : { timestampField: field }) },
      },
      relation: { name: 'public.orders', columns: [seen, source], keys: [] },
      planned: [
        {
          source,
          name: source.name,
          existing: typeof there === 'string' ? null : there,
          ddl: typeof there === 'string' ? there : there.nativeType,
          isNullable: false,
        },
      ],
      isSameSystem: ends.isSameSystem ?? false,
      types: { source: ends.sourceTypes ?? postgres, destination: ends.destinationTypes ?? postgres },
      order: field === source.name ? [] : [source.name],
    },
    idField ? 'idField' : 'timestampField',
  );
  return found?.code;
}
const differs = 'DestinationFieldDiffers';

test('the field has the same type at the destination', () => {
  const narrower = column('seen', { kind: 'timestamp', precision: 3, hasZone: true });
  assert.equal(codeOf('LastDestinationTimestamp', 'seen', { source: seen, there: narrower }), differs);
  assert.equal(codeOf('LastDestinationTimestamp', 'seen', { source: seen, there: seen }), undefined);
});

test('ids and keys that are texts have the same order at both ends, also in a table that will be created', () => {
  const name = column('name', { kind: 'text' }, { collation: 'utf8mb4_general_ci' });
  const byBytes = column('name', { kind: 'text' });
  const created = { there: 'text' };
  for (const code of [
    (ends: Ends) => codeOf('LastDestinationId', 'name', ends),
    (ends: Ends) => codeOf('LastDestinationTimestamp', 'seen', ends),
  ]) {
    assert.equal(code({ source: name, ...created, isSameSystem: true }), undefined);
    assert.equal(code({ source: name, ...created }), differs);
    assert.equal(code({ source: name, there: name, isSameSystem: true }), undefined);
    assert.equal(code({ source: name, there: byBytes, isSameSystem: true }), differs);
    assert.equal(code({ source: byBytes, ...created }), undefined);
  }
});

test('numbers, enumerations, times and UUIDs have their own order at the destination, and are not kept as texts', () => {
  const decimal = (precision: number): ColumnType => ({ kind: 'decimal', precision, scale: 0 });
  const duration: ColumnType = { kind: 'time', precision: 6, hasZone: false, isDuration: true };
  const cases: [ColumnType, TypeTable, string, string | undefined][] = [
    [decimal(20), sqlite, 'DECIMAL_TEXT(20,0)', differs],
    [decimal(80), mysql, 'VARCHAR(83)', differs],
    [decimal(20), mysql, 'DECIMAL(20,0)', undefined],
    [{ kind: 'enum', values: ['b', 'a'] }, sqlite, 'TEXT', differs],
    [duration, sqlite, 'DURATION(6)', differs],
    [{ kind: 'int', bits: 64 }, sqlite, 'INTEGER', undefined],
    [{ kind: 'uuid' }, sqlite, 'UUID', undefined],
    [{ kind: 'uuid' }, mysql, 'CHAR(36)', undefined],
    [{ kind: 'uuid' }, mysql, 'uuid', differs],
  ];
  for (const [type, destinationTypes, ddl, expected] of cases) {
    const source = column('id', type);
    for (const there of [ddl, column('id', type, { nativeType: ddl })]) {
      const ends = { source, there, destinationTypes };
      assert.equal(codeOf('LastDestinationId', 'id', ends), expected, ddl);
      assert.equal(codeOf('LastDestinationTimestamp', 'seen', ends), expected, ddl);
    }
  }
});
