import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { planColumns } from '../../../core/column-plan.ts';
import type { PlainWriteResult, WritePlan } from '../../../core/connector.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import type { Relation, Row } from '../../../core/values.ts';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { send } from '../../../e2e/kit/api/items.ts';
import { access, signal } from '../test-harness.ts';
import { types } from '../types/types.ts';
import { HttpDestination } from './destination.ts';

let api: ApiServer;
let destination: HttpDestination | undefined;
before(async () => {
  api = await ApiServer.start();
});
after(async () => {
  await destination?.close();
  await api.stop();
});
beforeEach(async () => {
  await destination?.close();
  api.intercept = undefined;
  api.requests.length = 0;
  api.store.collections.clear();
  api.store.idempotencyKeys.clear();
});

const source: Relation = {
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
    { name: 'body', type: { kind: 'text' }, nativeType: 'text', isNullable: true },
    { name: 'n', type: { kind: 'float', bits: 64 }, nativeType: 'float8', isNullable: true },
  ],
  keys: [{ name: 'k', columns: ['id'], isPrimary: true }],
};

async function open(
  object: Partial<DestinationObject>,
  plan: Partial<WritePlan> = {},
): Promise<HttpDestination> {
  destination = new HttpDestination(access(api.url), { existingRows: 'Keep', ...object });
  const existing = await destination.describe(signal);
  const columns = planColumns({
    source,
    existing,
    types,
    isSameSystem: false,
    key: ['id'],
    schemaChanges: 'Fail',
    paths: { source: 's', destination: 'd' },
    columnsField: 'c',
  });
  const usual = {
    uid: 'u1',
    writeMode: 'Upsert',
    deletes: 'Ignore',
    onError: 'Stop',
    redactsKeys: false,
  } as const;
  await destination.prepare({
    plan: { ...usual, columns, key: ['id'], existing, hasUniqueKey: true, ...plan },
  });
  return destination;
}

function batchOf(rows: readonly Row[], deletions?: readonly number[]): Batch {
  const of = { format: 'values', rows, ...(deletions && { deletions }) } as const;
  return { rows: of, rowCount: rows.length, byteCount: 0, offset: { mode: 'Id', id: '1' } };
}

const row = (id: number | bigint, body: string | null = `row ${id}`, n: number | null = null): Row => [
  BigInt(id),
  body,
  n,
];
const write = (rows: readonly Row[], after: string | null = null, deletions?: readonly number[]) =>
  destination?.write(batchOf(rows, deletions), signal, after) as Promise<PlainWriteResult>;
const stored = (name = 'orders') => api.collection(name).map(({ json }) => json);
const keys = () => api.requests.map(({ headers }) => headers['idempotency-key']);

test('Upsert: PUT to the path of each item, the last row of a key', async () => {
  await open({ path: '/items/orders/{{ row.id }}' });
  const result = await write([row(1), row(2, 'a "b" / ö'), row(1, 'newer', 1.5)]);
  assert.deepEqual(result, { written: 2, deleted: 0, rejected: 0, rejections: [] });
  assert.deepEqual(stored(), ['{"id":2,"body":"a \\"b\\" / ö"}', '{"id":1,"body":"newer","n":1.5}']);
  assert.deepEqual(
    api.requests.map(({ method, path }) => `${method} ${path}`),
    ['PUT /items/orders/2', 'PUT /items/orders/1'],
  );
  assert.equal(api.openSockets, 1);
});

test('Append: POST with a key that a repeated call has again', async () => {
  await open({ path: '/items/orders' }, { writeMode: 'Append' });
  await write([row(9007199254740993n), row(2)], 'o1');
  const first = keys();
  assert.equal(new Set(first).size, 2);
  assert.ok(
    first.every((key) =>
      /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(String(key)),
    ),
  );
  // Another process, after a crash.
  await open({ path: '/items/orders' }, { writeMode: 'Append' });
  await write([row(9007199254740993n), row(2), row(3)], 'o1');
  assert.deepEqual(keys().slice(2, 4), first);
  assert.equal(stored().length, 3);
  await write([row(2)], 'o2');
  await open({ path: '/items/orders' }, { writeMode: 'Append', uid: 'u2' });
  await write([row(2)], 'o2');
  assert.equal(new Set(keys()).size, 5);
});

test('a call whose answer was lost is sent again with its key, and stored once', async () => {
  await open({ path: '/items/orders' }, { writeMode: 'Append' });
  let isLost = true;
  api.intercept = (_request, response) => {
    if (!isLost) return false;
    isLost = false;
    // The API executes the call, and its answer does not arrive.
    response.writeHead = () => response;
    response.end = () => response.destroy();
    return false;
  };
  assert.equal((await write([row(1)])).written, 1);
  assert.equal(api.requests.length, 2);
  assert.equal(stored().length, 1);
});

test('a body by template, as JSON or a form', async () => {
  api.intercept = (_request, response) => {
    send(response, 200, '{}');
    return true;
  };
  await open({
    path: '/x',
    method: 'POST',
    bodyTemplate: '{"order":{{ row }},"t":"no {{ row.id }}: {{ row.body }}","n":{{ row.n }}}',
  });
  await write([row(1, 'a"b')]);
  assert.equal(api.requests[0]?.body, '{"order":{"id":1,"body":"a\\"b"},"t":"no 1: a\\"b","n":null}');
  await open({
    path: '/x',
    method: 'POST',
    contentType: 'Form',
    bodyTemplate: 'id={{ row.id }}&b={{ row.body }}',
  });
  await write([row(1, 'a&b=c d')]);
  assert.equal(api.requests[1]?.body, 'id=1&b=a%26b%3Dc%20d');
  assert.equal(api.requests[1]?.headers['content-type'], 'application/x-www-form-urlencoded');
  await assert.rejects(open({ path: '/x', bodyTemplate: '{{ row.nothing }}' }), {
    code: 'FieldNotFound',
    path: 'spec.destination.bodyTemplate',
  });
});

test('many rows in one call, with a result for each', async () => {
  const results = { path: 'results', statusPath: 'status', errorPath: 'error' };
  const many = { path: '/bulk/orders', bodyTemplate: '{{ rows }}', rowsPerCall: 2, results };
  await open(many, { onError: 'Skip' });
  const result = await write([row(1), row(2, 'refused'), row(3), row(4), row(5)]);
  assert.deepEqual([result.written, result.rejected], [4, 1]);
  assert.deepEqual(result.rejections, [
    { code: 'RowRefused', message: 'the API answers 422 for it', row: 'id 2' },
  ]);
  assert.deepEqual(
    api.requests.map(({ body }) => (JSON.parse(body) as unknown[]).length),
    [2, 2, 1],
  );
  await open(many);
  const refused = { code: 'RowRefused', disposition: 'permanent', path: 'spec.onError', message: /row id 2/ };
  await assert.rejects(write([row(1), row(2, 'refused')]), refused);
});

test('results that do not fit the rows, and those that can be sent again', async () => {
  await open({ path: '/x', bodyTemplate: '{{ rows }}', results: { path: 'items', statusPath: 's' } });
  const answer = (body: string) => {
    api.intercept = (_request, response) => {
      send(response, 200, body);
      return true;
    };
  };
  answer('{"items":[{"s":200}]}');
  await assert.rejects(write([row(1), row(2)]), { code: 'AnswerInvalid', disposition: 'permanent' });
  answer('{"items":[{"s":200},{"s":429}]}');
  await assert.rejects(write([row(1), row(2)]), { code: 'ServerFailed', disposition: 'transient' });
  answer('not JSON');
  await assert.rejects(write([row(1)]), { code: 'AnswerInvalid' });
});

test('without results the refused rows of a call are found by halving, or stop the Sync', async () => {
  const many = { path: '/x', bodyTemplate: '[{{# rows ","}}{{ row.id }}{{/ rows }}]' };
  api.intercept = ({ body }, response) => {
    const ids = JSON.parse(body) as readonly number[];
    send(response, ids.some((id) => id === 3 || id === 6) ? 422 : 200, '{"row":"secret"}');
    return true;
  };
  await open(many, { onError: 'Skip' });
  const result = await write([1, 2, 3, 4, 5, 6, 7, 8].map((id) => row(id)));
  assert.deepEqual([result.written, result.rejections.map((each) => each.row)], [6, ['id 3', 'id 6']]);
  await open(many);
  await assert.rejects(write([row(2), row(3)]), {
    code: 'CallRefused',
    message: /a call with 2 rows \(the API answers 422\)$/,
  });
});

test('statuses of the row are handled by onError, the others are those of the path', async () => {
  let status = 422;
  api.intercept = (_request, response) => {
    send(response, status, '{"message":"row 1 of Alice"}', { 'retry-after': '0' });
    return true;
  };
  for (status of [400, 409, 413, 422]) {
    await open({ path: '/x/{{ row.id }}' }, { onError: 'Skip' });
    assert.equal((await write([row(1), row(2)])).rejected, 2, String(status));
    await open({ path: '/x/{{ row.id }}' });
    await assert.rejects(write([row(1)]), { code: 'RowRefused', message: /^(?!.*Alice).*answers \d+$/ });
  }
  const others = {
    401: 'AuthenticationFailed',
    403: 'PermissionDenied',
    404: 'TableNotFound',
    410: 'TableNotFound',
    405: 'CallRefused',
  };
  for (const [of, code] of Object.entries(others)) {
    status = Number(of);
    await open({ path: '/x/{{ row.id }}' }, { onError: 'Skip' });
    await assert.rejects(write([row(1)]), { code, disposition: 'permanent' });
  }
  status = 503;
  await assert.rejects(write([row(1)]), { code: 'ServerFailed', disposition: 'transient' });
});

test('an error in an answer of success', async () => {
  api.intercept = ({ body }, response) => {
    send(response, 200, body.includes('bad') ? '{"ok":false,"error":"invalid"}' : '{"ok":true,"error":null}');
    return true;
  };
  await open({ path: '/x', method: 'POST', errorPath: 'error' }, { onError: 'Skip' });
  assert.deepEqual(await write([row(1), row(2, 'bad')]), {
    written: 1,
    deleted: 0,
    rejected: 1,
    rejections: [{ code: 'RowRefused', message: 'an error in its answer', row: 'id 2' }],
  });
});

test('values that JSON or a path cannot have are refused row by row', async () => {
  await open({ path: '/items/orders/{{ row.body }}' }, { onError: 'Skip' });
  const bad = [row(1, 'ok', Number.NaN), row(2, null), row(3, '..'), row(4, '.'), row(5, '')];
  const { rejections, rejected } = await write([...bad, row(6, '../a?b#c/ä')]);
  assert.equal(rejected, 5);
  assert.deepEqual(
    rejections.map(({ code, row: of }) => [code, of]),
    [1, 2, 3, 4, 5].map((id) => ['ValueNotKept', `id ${id}`]),
  );
  assert.deepEqual(
    api.requests.map(({ path }) => path),
    ['/items/orders/..%2Fa%3Fb%23c%2F%C3%A4'],
  );
});

test('deletions are sent to the path of the item, and what is gone already is deleted', async () => {
  await open({ path: '/items/orders/{{ row.id }}' }, { deletes: 'Hard' });
  await write([row(1), row(2)]);
  const result = await write(
    [row(3), [1n, null, null], [9n, null, null], [3n, null, null], row(9)],
    'o',
    [1, 2, 3],
  );
  assert.deepEqual([result.written, result.deleted], [1, 2]);
  assert.deepEqual(stored(), ['{"id":2,"body":"row 2"}', '{"id":9,"body":"row 9"}']);
  await open(
    {
      ...{ path: '/bulk/orders', bodyTemplate: '{{ rows }}', deletePath: '/items/orders/{{ row.id }}' },
      results: { path: 'results', statusPath: 'status' },
    },
    { deletes: 'Hard' },
  );
  await write([row(4), [2n, null, null], row(5)], 'o', [1]);
  assert.deepEqual(stored(), [
    '{"id":9,"body":"row 9"}',
    '{"id":4,"body":"row 4"}',
    '{"id":5,"body":"row 5"}',
  ]);
});

test('deletions that the API cannot have are refused', async () => {
  const refused = { code: 'DeletesNotOffered', disposition: 'permanent', path: 'spec.deletes' };
  await assert.rejects(open({ path: '/items/{{ row.id }}' }, { deletes: 'Soft' }), refused);
  await assert.rejects(open({ path: '/items' }, { deletes: 'Hard' }), refused);
  await assert.rejects(open({ path: '/items/{{ row.body }}' }, { deletes: 'Hard' }), refused);
});

test('calls at the same time', async () => {
  const waiting: (() => void)[] = [];
  api.intercept = async (_request, response) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 3) for (const each of waiting.splice(0)) each();
    });
    send(response, 200, '{}');
    return true;
  };
  await open({ path: '/x/{{ row.id }}', parallelCalls: 3 });
  assert.equal((await write([row(1), row(2), row(3), row(4), row(5), row(6)])).written, 6);
});

test('the plan is refused where it would write all rows to one item, or mixes one row with many', async () => {
  const check = async (object: Partial<DestinationObject>) => {
    const of = new HttpDestination(access(api.url), { existingRows: 'Keep', ...object });
    return (await of.check('Upsert')).map(({ severity, path }) => [severity, path]);
  };
  assert.deepEqual(await check({ path: '/x' }), [['error', 'spec.destination.path']]);
  assert.deepEqual(await check({ path: '/x', method: 'POST' }), []);
  assert.deepEqual(await check({ path: '/x/{{ row.id }}', bodyTemplate: '{{ rows }}' }), [
    ['error', 'spec.destination.path'],
  ]);
  assert.deepEqual(await check({ path: '/x/{{ row.id }}', results: { path: 'r' } }), [
    ['error', 'spec.destination.results'],
  ]);
});

test('every wait ends with the reason of the signal', async () => {
  await open({ path: '/x/{{ row.id }}' });
  api.intercept = () => true;
  const stop = new AbortController();
  const writing = destination?.write(batchOf([row(1)]), stop.signal, null);
  const reason = new Error('stopped');
  setImmediate(() => stop.abort(reason));
  await assert.rejects(writing as Promise<unknown>, reason);
});
