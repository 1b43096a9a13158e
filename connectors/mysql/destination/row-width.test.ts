import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import { onEachServer } from '../test-harness.ts';
import { toColumnType } from '../types/column-types.ts';
import { maxRowBytes, rowFindings, rowWidth } from './row-width.ts';

function planned(name: string, ddl: string, collation?: string): PlannedColumn {
  const type = toColumnType(ddl.toLowerCase(), { collation: null });
  const source = { name, type, nativeType: ddl, isNullable: false, ...(collation && { collation }) };
  return { source, name, existing: null, ddl, isNullable: false };
}

const columns: readonly PlannedColumn[] = [
  ...['TINYINT', 'SMALLINT', 'MEDIUMINT', 'INT', 'BIGINT UNSIGNED', 'FLOAT', 'DOUBLE', 'BIT(1)', 'BIT(33)'],
  ...['DECIMAL(65,30)', 'DECIMAL(10,2)', 'DECIMAL(7,0)', 'DATE', 'YEAR', 'TIME', 'TIME(6)', 'TIME(3)'],
  ...['DATETIME', "DATETIME(6) COMMENT 'UTC'", 'TIMESTAMP(3) NULL', 'CHAR(5)', 'BINARY(7)', 'VARBINARY(300)'],
  ...['TINYTEXT', 'TEXT', 'MEDIUMTEXT', 'LONGTEXT', 'LONGBLOB', 'VARCHAR(40)', 'VARCHAR(255)'],
  "ENUM('a','it''s')",
  "SET('a','b')",
  'GEOMETRY',
  'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin',
].map((ddl, at) => planned(`c${at}`, ddl));
const texts = [
  planned('narrow', 'VARCHAR(200)', 'latin1_swedish_ci'),
  planned('two', 'VARCHAR(200)', 'gbk_chinese_ci'),
  planned('three', 'VARCHAR(200)', 'utf8mb3_general_ci'),
];

test('a row of exactly the limit is accepted, one byte more is refused with the sum and the widest columns', () => {
  const rest = maxRowBytes - rowWidth([planned('wide', 'VARBINARY(300)')]) + 300;
  assert.deepEqual(rowFindings([planned('wide', `VARBINARY(${rest})`)]), []);
  const [finding, ...more] = rowFindings([planned('wide', `VARBINARY(${rest + 1})`)]);
  assert.deepEqual(more, []);
  assert.equal(finding?.code, 'RowTooWide');
  assert.match(finding.message, /65,536 bytes.*65,535.*wide VARBINARY/);
});

test('more columns than a table may have are refused with their number', () => {
  const many = Array.from({ length: 1_018 }, (_, at) => planned(`c${at}`, 'INT'));
  const [finding] = rowFindings(many);
  assert.deepEqual([finding?.code, rowFindings(many.slice(1))], ['RowTooWide', []]);
  assert.match(finding?.message ?? '', /1,018 columns.*1,017/);
});

test('existing columns are not checked', () => {
  const wide = planned('wide', 'VARCHAR(16383)');
  assert.deepEqual(rowFindings([{ ...wide, existing: wide.source }]), []);
});

onEachServer((database) => {
  test('the server counts as the plan does', async () => {
    const all = [...columns, ...texts];
    const filler = maxRowBytes - rowWidth([...all, planned('filler', 'VARBINARY(300)')]) + 300;
    const create = async (length: number) => {
      const made = [...all, planned('filler', `VARBINARY(${length})`)].map(({ name, ddl, source }) => {
        const isText = /^(VARCHAR|CHAR\(5|ENUM|SET)/.test(ddl);
        const collation = source.collation ?? 'utf8mb4_bin';
        const charset = `CHARACTER SET ${collation.split('_')[0]} COLLATE ${collation}`;
        const [type = '', comment = ''] = ddl.split(/(?= COMMENT| NULL)/);
        return `${name} ${type} ${isText ? charset : ''} ${/ NULL/.test(ddl) ? 'NOT NULL DEFAULT "2020-01-01"' : 'NOT NULL'} ${comment.replace(' NULL', '')}`;
      });
      await database.run(
        `DROP TABLE IF EXISTS wide; CREATE TABLE wide (${made.join(', ')}) DEFAULT CHARSET utf8mb4`,
      );
    };
    await create(filler);
    await assert.rejects(create(filler + 1), /Row size too large/);
  });
});
