import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from '../../connectors/postgres/types/types.ts';
import { planColumns } from '../../core/column-plan.ts';
import { withSoftDeletes } from '../../core/soft-deletes.ts';
import type { SchemaChanges } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { deleteFindings } from './delete-rules.ts';
import type { KeyInput } from './key-input.ts';
import { spec } from './test-objects.ts';

const column = (name: string): Column => ({
  ...{ name, type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
});
const relation: Relation = {
  name: 'orders',
  columns: [column('id'), column('v')],
  keys: [{ name: '_id', columns: ['id'], isPrimary: true }],
};

function findings(
  key: readonly string[],
  source: Relation = relation,
  deletes: 'Hard' | 'Soft' | 'Ignore' = 'Hard',
) {
  const input = { spec: { ...spec, deletes }, relation: source, key, columns: { columns: [] } };
  return deleteFindings(input as unknown as KeyInput).map(({ code }) => code);
}

test('a deletion finds its row only by the key of the source', () => {
  assert.deepEqual(findings(['id']), []);
  assert.deepEqual(findings(['v']), ['DeleteKeyDiffers']);
  assert.deepEqual(findings(['id', 'v']), ['DeleteKeyDiffers']);
  assert.deepEqual(findings(['id'], { ...relation, keys: [] }), ['DeleteKeyDiffers']);
  assert.deepEqual(findings(['v'], relation, 'Ignore'), []);
});

test('Soft: the column of the deletion must not be one of the source', () => {
  const source = { ...relation, columns: [...relation.columns, column('_deleted_at')] };
  assert.deepEqual([findings(['id'], source, 'Soft'), findings(['id'], source)], [['NamesCollide'], []]);
});

function soft(existing: Relation | null, schemaChanges: SchemaChanges) {
  return planColumns({
    source: withSoftDeletes(relation, { deletes: 'Soft' }),
    own: '_deleted_at',
    existing,
    types,
    isSameSystem: false,
    key: ['id'],
    schemaChanges,
    paths: { source: 'spec.source.collection', destination: 'spec.destination.table' },
    columnsField: 'source.columns',
  });
}

test('Soft: the column is created with the table, and added to or required of an existing one', () => {
  const last = soft(null, 'Fail').columns.at(-1);
  assert.deepEqual(
    [last?.name, last?.ddl, last?.isNullable],
    ['_deleted_at', 'timestamp with time zone', true],
  );
  const added = soft(relation, 'AddColumns');
  assert.deepEqual([added.columns.at(-1)?.existing, added.findings], [null, []]);
  for (const schemaChanges of ['Fail', 'Ignore'] as const) {
    const [finding] = soft(relation, schemaChanges).findings;
    assert.deepEqual([finding?.code, finding?.severity], ['ColumnMissing', 'error']);
    assert.match(finding?.message ?? '', /_deleted_at \(for deletes Soft\) is missing/);
  }
});
