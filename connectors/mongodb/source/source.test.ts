import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BSON, type Document } from 'mongodb';
import { readAll } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { servers, signal, TestDatabase } from '../test-harness.ts';
import { extendedJson } from '../types/extended-json.ts';
import { fieldOf } from '../types/format.ts';
import { recordsIn } from '../types/row-formats.ts';

const { Binary, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID } = BSON;

/** In the order in which MongoDB sorts them. */
const mixedIds = [
  new MinKey(),
  null,
  new Double(Number.NaN),
  new Double(Number.NEGATIVE_INFINITY),
  new Int32(-5),
  new Double(0.5),
  Long.fromString('9007199254740993'),
  Decimal128.fromString('9007199254740993.5'),
  new Double(Number.POSITIVE_INFINITY),
  '',
  'A',
  'a',
  'ä',
  { a: new Int32(1) },
  { a: new Int32(1), b: new Int32(1) },
  { b: new Int32(0) },
  new Binary(Buffer.from('a')),
  new UUID('0f0e0d0c-0b0a-4908-8706-050403020100'),
  new ObjectId('000000000000000000000000'),
  new ObjectId('65f0c0ffee65f0c0ffee65f0'),
  false,
  true,
  new Date(-1),
  new Date(0),
  new Timestamp({ t: 1, i: 0 }),
  new MaxKey(),
];

for (const [name, start] of servers) {
  describe(`${name}: source`, () => {
    let database: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
    });
    after(() => database?.stop());

    test('a Snapshot reads each _id once, whatever its type, and continues after any of them', async (t) => {
      // The server in memory takes neither null nor NaN for an _id of its own, and compares a UUID with no other Binary.
      const ids = name.includes('memory')
        ? mixedIds.filter((id) => id !== null && !(id instanceof Double && Number.isNaN(id.value)))
        : mixedIds;
      const known = name.includes('memory')
        ? ids.filter((id) => !(id instanceof Timestamp) && !(id instanceof MaxKey) && !(id instanceof UUID))
        : ids;
      const from = await database.filled(
        'mixed',
        shuffled(known).map((_id) => ({ _id, n: new Int32(1) })),
      );
      const source = await connector.openSource(database.access, { collection: from, isWhole: true }, signal);
      t.after(() => source.close());
      const relation = await source.describe(signal);
      const columns = relation.columns.map((column) => ({ column }));
      const request = {
        ...{
          relation,
          columns,
          mode: 'Snapshot' as const,
          key: ['_id'],
          timeZone: 'UTC',
          limits: { maxRows: 3, maxBytes: 1e6 },
        },
        rowFormat: { format: 'bson', as: columns.map(() => 'field') },
      };
      const start = { mode: 'Snapshot' as const, pass: 1, key: null, isComplete: false };
      const { batches } = await readAll(source.read({ ...request, after: start }, signal));
      const idsOf = (some: typeof batches) =>
        some.flatMap(({ rows }) =>
          ('chunks' in rows ? [...recordsIn(rows.chunks)] : []).map(({ document }) =>
            json(fieldOf(document, '_id')),
          ),
        );
      const expected = await inServerOrder(from);
      assert.deepEqual(idsOf(batches), expected);
      assert.equal(expected.length, known.length);
      let seen = 0;
      for (const batch of batches) {
        seen += batch.rowCount;
        const rest = await readAll(source.read({ ...request, after: batch.offset }, signal));
        assert.deepEqual(idsOf(rest.batches), expected.slice(seen), JSON.stringify(batch.offset));
      }
      await source.close();
    });

    async function inServerOrder(collection: string): Promise<string[]> {
      const found = await database
        .collection(collection)
        .find({}, { sort: { _id: 1 }, promoteValues: false })
        .toArray();
      return found.map(({ _id }) => json(BSON.serialize({ _id })));
    }

    test('columns are inferred from documents, and values keep their type', async () => {
      const from = await database.filled('typed', [
        {
          _id: new ObjectId('65f0c0ffee65f0c0ffee65f0'),
          n: Long.fromString('9007199254740993'),
          d: Decimal128.fromString('1.10'),
          at: new Date(1),
        },
        {
          _id: new ObjectId('65f0c0ffee65f0c0ffee65f1'),
          n: new Int32(1),
          o: { x: [new Int32(1), new Double(2)] },
          u: new UUID('0f0e0d0c-0b0a-4908-8706-050403020100'),
        },
      ]);
      const flow = await database.flow({ from, to: 'unused', rowFormat: 'values' });
      const types = flow.request.relation.columns.map(
        ({ name: column, nativeType, isNullable }) => `${column} ${nativeType} ${isNullable}`,
      );
      assert.deepEqual(types.toSorted(), [
        '_id text false',
        'at timestamp(3) with time zone true',
        'd decimal true',
        'n int64 true',
        'o json true',
        'u uuid true',
      ]);
      const [batch] = await flow.batches();
      const rows = batch && 'rows' in batch.rows ? [...batch.rows.rows] : [];
      const named = rows.map((row) =>
        Object.fromEntries(flow.request.columns.map(({ column }, at) => [column.name, row[at]])),
      );
      assert.deepEqual(named, [
        {
          _id: '65f0c0ffee65f0c0ffee65f0',
          n: 9007199254740993n,
          d: '1.10',
          at: '1970-01-01 00:00:00.001Z',
          o: null,
          u: null,
        },
        {
          _id: '65f0c0ffee65f0c0ffee65f1',
          n: 1n,
          d: null,
          at: null,
          o: '{"x":[1,2.0]}',
          u: '0f0e0d0c-0b0a-4908-8706-050403020100',
        },
      ]);
      await flow.close();
    });

    test('source.filter selects documents, and only those are read', async () => {
      const from = await database.filled(
        'filtered',
        Array.from({ length: 9 }, (_, n) => ({ _id: n as never, even: n % 2 === 0 })),
      );
      const source = await connector.openSource(
        database.access,
        { collection: from, filter: '{ "even": true }' },
        signal,
      );
      const relation = await source.describe(signal);
      const columns = relation.columns.map((column) => ({ column }));
      const after = { mode: 'Snapshot' as const, pass: 1, key: null, isComplete: false };
      const request = {
        relation,
        columns,
        mode: 'Snapshot' as const,
        key: ['_id'],
        timeZone: 'UTC',
        after,
        limits: { maxRows: 2, maxBytes: 1e6 },
      };
      const { batches } = await readAll(source.read({ ...request, rowFormat: { format: 'values' } }, signal));
      const ids = batches.flatMap(({ rows }) =>
        'rows' in rows ? [...rows.rows].map(([id]) => Number(id)) : [],
      );
      assert.deepEqual(ids, [0, 2, 4, 6, 8]);
      await source.close();
    });

    test('a Stream that begins with what is there may return a change twice, and says so', async (t) => {
      const collection = await database.filled('followed', [{ _id: new Int32(1) }]);
      for (const [startFrom, guarantee] of [
        [undefined, 'AtLeastOnce'] as const,
        ['Now', undefined] as const,
      ]) {
        const source = await connector.openSource(
          database.access,
          { collection, ...(startFrom && { startFrom }) },
          signal,
        );
        t.after(() => source.close());
        await source.describe(signal);
        await source.check('Stream', signal);
        assert.equal(source.guarantee, guarantee);
        await source.check('Snapshot', signal);
        assert.equal(source.guarantee, undefined);
      }
    });

    test('Id by ObjectIds, and a field whose documents have other types too', async () => {
      const from = await database.filled('ids', [
        { _id: 1 as never, seq: new Int32(3) },
        { _id: 2 as never, seq: new Double(1.5) },
        { _id: 3 as never, seq: 'text' },
        { _id: 4 as never },
        { _id: 5 as never, seq: [new Int32(9)] },
        { _id: 6 as never, seq: Long.fromNumber(2) },
      ]);
      const columns = [
        { name: 'key', path: '_id', type: 'int64', nullable: false },
        { name: 'seq', path: 'seq', type: 'decimal', nullable: true },
      ];
      const flow = await database.flow({
        from,
        to: 'unused',
        mode: 'Id',
        idField: 'seq',
        columns,
        safetyLagMs: 0,
        rowFormat: 'values',
        maxRows: 1,
      });
      const reading = { ...flow.request, key: ['seq', 'key'] };
      const { batches, end } = await readAll(flow.source.read({ ...reading, after: null }, signal));
      const ids = batches.flatMap(({ rows }) =>
        'rows' in rows ? [...rows.rows].map(([id]) => Number(id)) : [],
      );
      assert.deepEqual([ids, end.nullRows], [[2, 6, 1], 3]);
      await flow.close();
    });

    test('check asks for an index over the field and _id, or a unique one over an id', async (t) => {
      const from = await database.filled(
        'many',
        Array.from({ length: 10_000 }, (_, _id) => ({ _id, seq: new Int32(_id) })),
      );
      const columns = ['_id', 'seq'].map((path) => ({
        name: path,
        path,
        type: 'int64',
        nullable: path !== '_id',
      }));
      const object = { collection: from, columns, idField: 'seq', timestampField: 'seq' };
      const source = await connector.openSource(database.access, object, signal);
      t.after(() => source.close());
      await source.describe(signal);
      const found = async () =>
        (await Promise.all((['Id', 'Timestamp'] as const).map((mode) => source.check(mode, signal)))).map(
          (findings) => findings.map(({ code, fix }) => `${code} ${fix}`).join(),
        );
      const asked = `FieldNotIndexed db.many.createIndex({ "seq": 1, _id: 1 })`;
      const create = (index: Document) => database.command({ createIndexes: from, indexes: [index] });
      assert.deepEqual(await found(), [asked, asked]);
      await create({ key: { seq: -1 }, name: 'other' });
      assert.deepEqual(await found(), [asked, asked]);
      await create({ key: { seq: 1 }, name: 'unique', unique: true });
      assert.deepEqual(await found(), ['', asked]);
      await create({ key: { seq: 1, _id: 1 }, name: 'both' });
      assert.deepEqual(await found(), ['', '']);
    });
  });
}

function json(value: Parameters<typeof extendedJson>[0] | Uint8Array | undefined): string {
  if (value === undefined) return 'missing';
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : undefined;
  const found = bytes
    ? fieldOf({ type: 3, bytes, start: 0, end: bytes.length }, '_id')
    : (value as Parameters<typeof extendedJson>[0]);
  return (found && extendedJson(found)) ?? 'missing';
}

/** Always in the same way. */
function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((each, at) => [((at * 7_919) % 101) / 101, each] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, each]) => each);
}
