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
