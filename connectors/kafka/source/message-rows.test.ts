import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnOf } from '../../../core/records/columns.ts';
import { jsonFormat } from '../types/format.ts';
import type { RecordCursor } from '../types/record-batch.ts';
import { MessageRows } from './message-rows.ts';
import type { Message } from './metadata-columns.ts';

const columns = ['id', 'email', 'body'].map((name) => ({
  name,
  path: name,
  type: 'text',
  nullable: name === 'body',
}));

/** Rows of events of Debezium, of a table whose primary key is `id`, in a Sync whose key is `email`. */
function rowsOf(wantsDeletions: boolean): MessageRows {
  const init = { format: jsonFormat, isDebezium: true, columns, key: ['email'] };
  const request = { columns: columns.map((column) => ({ column: columnOf(column) })), wantsDeletions };
  return new MessageRows(init, request as unknown as ConstructorParameters<typeof MessageRows>[1]);
}

function messageOf(event: object): Message {
  const value = Buffer.from(JSON.stringify(event));
  const cursor = { key: Buffer.from('{"id":"1"}'), value, valueLength: value.length, offset: 0 };
  return { topic: 't', partition: 0, cursor: cursor as unknown as RecordCursor };
}

test('an update that changes the key of the Sync, but not the primary key, deletes the row of the earlier key', () => {
  const before = { id: '1', email: 'old', body: null };
  const after = { ...before, email: 'new' };
  const moving = messageOf({ op: 'u', before, after });
  assert.deepEqual(rowsOf(true).read(moving), {
    row: ['1', 'new', null],
    isDeletion: false,
    moved: [null, 'old', null],
  });
  assert.equal(rowsOf(false).read(moving)?.moved, undefined);
  assert.equal(
    rowsOf(true).read(messageOf({ op: 'u', before, after: { ...before, body: 'x' } }))?.moved,
    undefined,
  );
  assert.equal(rowsOf(true).read(messageOf({ op: 'u', before: null, after }))?.moved, undefined);
});

/** Of a deletion by the key of its message. */
function deletionBy(key: string | Buffer, type: string) {
  const of = [
    { name: 'id', path: 'id', type, nullable: false },
    { name: 'body', path: 'body', type: 'text', nullable: true },
  ];
  const request = { columns: of.map((column) => ({ column: columnOf(column) })), wantsDeletions: true };
  const init = { format: jsonFormat, isDebezium: false, columns: of, key: ['id'] };
  const rows = new MessageRows(init, request as unknown as ConstructorParameters<typeof MessageRows>[1]);
  const cursor = { key: Buffer.from(key), value: null, valueLength: -1, offset: 0 };
  const found = rows.read({ topic: 't', partition: 0, cursor: cursor as unknown as RecordCursor });
  return found?.row[0] ?? rows.take().misfits?.count;
}

test('a deletion is one of the row that its key names, as JSON or as text, or a misfit', () => {
  for (const key of ['a b', ' 42 ', '42', '007', '1.0', 'true', ' "a" '])
    assert.equal(deletionBy(key, 'text'), key);
  assert.equal(deletionBy('"a"', 'text'), 'a');
  assert.equal(deletionBy('{"id":"a"}', 'text'), 'a');
  assert.equal(deletionBy('42', 'int64'), 42n);
  // JSON behind the number of a schema, and numbers in binary.
  for (const key of [
    '\0\0\0\0\u0005{"id":"a"}',
    '\0\0\0*',
    '\0\0\0\0\0\0\u0001\u0002',
    'null',
    '[1]',
    '{"x":1}',
  ])
    assert.equal(deletionBy(key, 'text'), 1, key);
});

test('the key of an event is found by its path: a field with the name of the column is another one', () => {
  const of = [
    { name: 'id', path: 'order_id', type: 'text', nullable: false },
    { name: 'body', path: 'body', type: 'text', nullable: true },
  ];
  const request = { columns: of.map((column) => ({ column: columnOf(column) })), wantsDeletions: true };
  const init = { format: jsonFormat, isDebezium: true, columns: of, key: ['id'] };
  const rows = new MessageRows(init, request as unknown as ConstructorParameters<typeof MessageRows>[1]);
  // The primary key of the table is `id`, and REPLICA IDENTITY logs nothing else.
  const event = messageOf({ op: 'd', before: { id: '7', order_id: null }, after: null });
  assert.equal(rows.read(event), undefined);
  assert.equal(rows.take().misfits?.count, 1);
  assert.deepEqual(rows.read(messageOf({ op: 'd', before: { id: '7', order_id: '9' } }))?.row, ['9', null]);
});

test('a value that the database did not log is never written, in whatever form its place is taken', () => {
  const text = '__debezium_unavailable_value';
  const bytes = Buffer.from(text);
  for (const body of [
    text,
    bytes.toString('base64'),
    [text],
    [...bytes],
    ['b68a35a7-17ad-35b3-af2a-ae46edb4545a'],
    { [text]: text },
    JSON.stringify({ [text]: text }),
  ]) {
    const rows = rowsOf(true);
    const event = messageOf({ op: 'u', before: null, after: { id: '1', email: 'e', body } });
    assert.equal(rows.read(event), undefined, JSON.stringify(body));
    assert.match(rows.take().misfits?.rejections[0]?.message ?? '', /did not change/);
  }
});

test('a message without value behind a deletion of the same key says nothing new; alone it is the deletion', () => {
  const rows = rowsOf(true);
  const tombstone = (key: string): Message => {
    const cursor = { key: Buffer.from(key), value: null, valueLength: -1, offset: 1 };
    return { topic: 't', partition: 0, cursor: cursor as unknown as RecordCursor };
  };
  const deletion = messageOf({ op: 'd', before: { id: '1', email: 'e' }, after: null });
  assert.deepEqual(rows.read(deletion)?.row, [null, 'e', null]);
  assert.equal(rows.read(tombstone('{"id":"1"}')), undefined);
  assert.equal(rows.take().misfits, undefined);
  // Its key does not identify a row of this Sync.
  assert.equal(rows.read(tombstone('{"id":"1"}')), undefined);
  assert.equal(rows.take().misfits?.count, 1);
  rows.read(deletion);
  assert.equal(rows.read(tombstone('{"id":"2"}')), undefined);
  assert.equal(rows.take().misfits?.count, 1);
});

/** Rows of plain JSON, or of events, with the key `id`. */
function readAll(values: readonly (string | Buffer)[], isDebezium: boolean) {
  const of = [
    { name: 'id', path: 'id', type: 'text', nullable: false },
    { name: 'n', path: 'n', type: 'decimal(10,2)', nullable: true },
  ];
  const request = { columns: of.map((column) => ({ column: columnOf(column) })) };
  const init = { format: jsonFormat, isDebezium, columns: of, key: ['id'] };
  const rows = new MessageRows(init, request as unknown as ConstructorParameters<typeof MessageRows>[1]);
  const found = values.map((given) => {
    const value = Buffer.from(given);
    const at = { value, bytes: value, valueAt: 0, valueLength: value.length };
    const cursor = { ...at, key: Buffer.from('k'), offset: 0 } as unknown as RecordCursor;
    return rows.read({ topic: 't', partition: 0, cursor })?.row;
  });
  return [found, rows.take().misfits?.count ?? 0];
}

test('a flat message without its key, or with bytes that are no text, is a misfit', () => {
  const notText = Buffer.from([...Buffer.from('{"id":"'), 0xff, ...Buffer.from('"}')]);
  assert.deepEqual(readAll(['{"id":"a"}', '{"id":null}', '{"n":1.50}', notText], false), [
    [['a', null], undefined, undefined, undefined],
    3,
  ]);
});

test('an event with a decimal that may be digits or base64 is a misfit until others leave no doubt', () => {
  const event = (n: string) => JSON.stringify({ op: 'c', after: { id: 'a', n } });
  assert.deepEqual(readAll([event('1234'), event('EtY='), event('1234')], true), [
    [undefined, ['a', '48.22'], ['a', '-26588.24']],
    1,
  ]);
});
