import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BSON } from 'mongodb';
import type { ReadRequest } from '../../../core/connector.ts';
import { type FlowOptions, firstPass, readAll } from '../../sql/test-flow.ts';
import { readerName } from '../connection/open.ts';
import { runBulk } from '../destination/bulk-load.ts';
import { Session } from '../session.ts';
import { servers, signal, TestDatabase } from '../test-harness.ts';

/** Documents whose place in an order is not that of a value: they are counted or reported, and never skipped silently. */
for (const [name, start] of servers) {
  describe(`${name}: order`, () => {
    let database: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
    });
    after(() => database?.stop());

    /** The `_id`s that are read, one for each batch, and what the end of the pass says. */
    async function read(
      key: readonly string[],
      options: Pick<FlowOptions, 'from' | 'mode' | 'idField' | 'columns' | 'maxRows'>,
      after: ReadRequest['after'] = null,
    ) {
      const flow = await database.flow({
        to: 'unused',
        safetyLagMs: 0,
        rowFormat: 'values',
        maxRows: 1,
        sourceKey: key,
        ...options,
      });
      try {
        const { batches, end } = await readAll(flow.source.read({ ...flow.request, key, after }, signal));
        const ids = batches.flatMap(({ rows }) =>
          'rows' in rows ? [...rows.rows].map(([id]) => Number(id)) : [],
        );
        return { ids, end, batches };
      } finally {
        await flow.close();
      }
    }

    const column = (columnName: string, path: string, nullable = true) => ({
      ...{ name: columnName, path, nullable },
      type: 'int64',
    });
    const columns = [column('id', '_id', false), column('n', 'o.n')];

    test('documents with an array anywhere on the path of an id are counted, and hold up no other', async () => {
      const from = await database.filled('arrays', [
        { _id: 1, o: { n: 1 } },
        { _id: 2, o: [{ n: 2 }] },
        { _id: 3, o: { n: 3 } },
        { _id: 4, o: [{ n: 9 }, { n: 0 }] },
        { _id: 5, o: { n: [7] } },
        { _id: 6, o: { n: 5 } },
      ]);
      const by = { from, mode: 'Id', idField: 'n', columns } as const;
      const { ids, end, batches } = await read(['n', 'id'], by);
      assert.deepEqual([ids, end.nullRows], [[1, 3, 6], 3]);
      const last = await read(['n', 'id'], by, batches.at(-1)?.offset ?? null);
      assert.deepEqual(last.ids, []);
      await database.command({ delete: from, deletes: [{ q: { _id: 6 }, limit: 1 }] });
      // An element of an array is no proof that the source has reached the offset.
      await assert.rejects(read(['n', 'id'], by, batches.at(-1)?.offset ?? null), {
        code: 'SourceBehindOffset',
      });
    });

    test('a document with an array in a key stops a Snapshot, and one without the key is a misfit', async () => {
      const snapshot = (from: string) =>
        read(
          ['k'],
          {
            from,
            mode: 'Snapshot',
            maxRows: 10,
            columns: [column('id', '_id', false), column('k', 'k', false)],
          },
          firstPass,
        );
      const arrays = await database.filled('arrayKeys', [
        { _id: 1, k: 1 },
        { _id: 2, k: [2, 8] },
        { _id: 3, k: 3 },
      ]);
      await assert.rejects(snapshot(arrays), { code: 'FieldNotOrdered' });
      const missing = await database.filled('missingKeys', [
        { _id: 1, k: 1 },
        { _id: 2 },
        { _id: 3, k: null },
      ]);
      const { ids, batches } = await snapshot(missing);
      assert.deepEqual([ids, batches.reduce((sum, { misfits }) => sum + (misfits?.count ?? 0), 0)], [[1], 2]);
    });

    /** A document of the server in memory has each name once. */
    const namesRepeat = !name.includes('memory');
    test('the position of a document is that by which the server sorts', async () => {
      const document = (_id: number, first: number, second: number) => {
        const fields = { _id: new BSON.Int32(_id), s: new BSON.Int32(first), x: new BSON.Int32(second) };
        const bytes = Buffer.from(BSON.serialize(fields));
        if (namesRepeat) bytes[bytes.indexOf('\u0010x\0') + 1] = 's'.charCodeAt(0);
        return bytes;
      };
      const documents = [document(1, 1, 100), document(2, 2, 2), document(3, 3, 50)];
      await database.command({ create: 'repeated' });
      const session = await Session.open(database.access, readerName, signal);
      const target = { session, collection: 'repeated', client: undefined };
      await runBulk(
        target,
        'insert',
        documents.map((bytes, row) => ({ bytes, row })),
      );
      await session.close();
      const listed = [column('id', '_id', false), column('s', 's')];
      const by = { from: 'repeated', mode: 'Id', idField: 's', columns: listed } as const;
      const { ids, batches } = await read(['s', 'id'], by);
      assert.deepEqual(ids, [1, 2, 3]);
      const rest = await read(['s', 'id'], by, batches[0]?.offset ?? null);
      assert.deepEqual(rest.ids, [2, 3]);
    });
  });
}
