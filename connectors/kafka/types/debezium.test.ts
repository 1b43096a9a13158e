import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonError, parseJson } from '../../../core/records/json-parser.ts';
import { changeOf, isUnavailable } from './debezium.ts';
import { type RecordNode, recordAccess } from './record-node.ts';
import { adapterOf, unclearDecimal } from './untyped-json.ts';

const damages = Number(process.env.IDRA_TEST_DAMAGES ?? 300);

const source = { name: 'shop', ts_ms: 1_700_000_000_123, table: 'orders' };
const row = { id: 7, total: 'EtY=', at: 1_700_000_000_123_456, day: 19_675 };
const field = (name: string, type: string, more: object = {}) => ({
  field: name,
  type,
  optional: true,
  ...more,
});
const rowFields = [
  field('id', 'int64'),
  field('total', 'bytes', { name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '2' } }),
  field('at', 'int64', { name: 'io.debezium.time.MicroTimestamp' }),
  field('day', 'int32', { name: 'io.debezium.time.Date' }),
];
const withSchema = (payload: object) => ({
  schema: {
    type: 'struct',
    fields: [
      field('before', 'struct', { fields: rowFields }),
      field('after', 'struct', { fields: rowFields }),
      field('source', 'struct', { fields: [field('ts_ms', 'int64')] }),
      field('op', 'string'),
    ],
  },
  payload,
});

const parse = (value: unknown): RecordNode => parseJson(JSON.stringify(value));
const typed = '{"id":7,"total":48.22,"at":"2023-11-14T22:13:20.123456","day":"2023-11-14"}';

test('an event with its schema has the types of the database', () => {
  const change = changeOf(parse(withSchema({ before: null, after: row, source, op: 'c' })));
  assert.ok(change.kind === 'row');
  assert.equal(recordAccess.json(change.row), typed);
  assert.deepEqual([change.envelope.op, change.envelope.changedAt], ['c', '2023-11-14 22:13:20.123Z']);
});

test('an event without schema has them by the columns of the manifest', () => {
  const change = changeOf(parse({ before: null, after: row, source, op: 'u' }));
  assert.ok(change.kind === 'row');
  assert.equal(recordAccess.json(change.row), JSON.stringify(row));
  const column = (name: string, type: string) => ({ name, path: name, type, nullable: true });
  const columns = [
    ...[column('id', 'int64'), column('total', 'decimal(10,2)')],
    ...[column('at', 'timestamp(6)'), column('day', 'date')],
  ];
  assert.equal(recordAccess.json(adapterOf(columns)(change.row)), typed);
});

test('digits that may be a decimal or its bytes are what the other values of the column are', () => {
  const rowOf = () => {
    const adapt = adapterOf([{ name: 'n', path: 'n', type: 'decimal(10,2)', nullable: true }]);
    return (n: string) => {
      const row = adapt(parse({ n }));
      const value = row instanceof Map ? (row.get('n') as RecordNode) : null;
      return value === unclearDecimal ? 'unclear' : recordAccess.json(value);
    };
  };
  const first = rowOf();
  assert.deepEqual([first('1234'), first('EtY='), first('1234')], ['unclear', '48.22', '-26588.24']);
  const second = rowOf();
  assert.deepEqual([second('12.50'), second('1234'), second('-1')], ['"12.50"', '"1234"', '"-1"']);
});

test('deletions, messages that are not about rows, and what no row can express', () => {
  const deletion = changeOf(parse({ before: row, after: null, source, op: 'd' }));
  assert.ok(deletion.kind === 'deletion');
  assert.equal(recordAccess.json(deletion.row), JSON.stringify(row));
  assert.equal(changeOf(parse({ op: 'm', message: {} })).kind, 'nothing');
  assert.equal(changeOf(parse({ ts_ms: 1 })).kind, 'nothing');
  for (const value of [{ op: 't' }, { op: 'x' }, { op: 'c', after: 5 }, { id: 1 }, [], 'text', null])
    assert.equal(changeOf(parse(value)).kind, 'unreadable', JSON.stringify(value));
  const wrong = withSchema({ after: { ...row, total: 'not base64' }, op: 'c' });
  assert.equal(changeOf(parse(wrong)).kind, 'unreadable');
  assert.ok(isUnavailable(parse('__debezium_unavailable_value')));
  assert.ok(!isUnavailable(parse('__debezium')));
});

test('damaged events end in an error of the parser, or are events or not', () => {
  const original = JSON.stringify(withSchema({ before: row, after: row, source, op: 'u' }));
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  let read = 0;
  for (let round = 0; round < damages; round++) {
    const bytes = Buffer.from(original);
    for (let count = 1 + random() * 2; count >= 1; count--) {
      const other = Math.floor(random() * bytes.length);
      bytes[Math.floor(random() * bytes.length)] = random() < 0.5 ? (bytes[other] ?? 0) : 32 + random() * 90;
    }
    try {
      const change = changeOf(parseJson(bytes.toString('utf8')));
      if (change.kind === 'row') recordAccess.json(change.row);
      read += 1;
    } catch (error) {
      assert.ok(error instanceof JsonError, String(error));
    }
  }
  assert.ok(read > 0);
});
