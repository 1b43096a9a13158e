import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BSON, type Document } from 'mongodb';
import { connector } from '../connector.ts';
import { servers, signal, TestDatabase } from '../test-harness.ts';

for (const [name, start] of servers) {
  const hasTransactions = !name.includes('memory');
  describe(`${name}: destination`, () => {
    let database: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
      await database.collection('people').insertMany([
        { _id: 1, first: 'Ada', last: 'L', age: null },
        { _id: 2, first: 'Bob', last: 'M', age: 40 },
      ]);
    });
    after(() => database?.stop());

    const columns = [
      { name: 'no', path: '_id', type: 'int64', nullable: false },
      { name: 'first', path: 'first', type: 'text', nullable: false },
      { name: 'last', path: 'last', type: 'text', nullable: false },
      { name: 'age', path: 'age', type: 'int32', nullable: true },
    ];
    const read = (collection: string) =>
      database
        .collection(collection)
        .find({}, { sort: { _id: 1 } })
        .toArray();
    const copied = async (to: string, key: readonly string[], more = {}) => {
      const flow = await database.flow({ from: 'people', to, columns, key, ...more });
      try {
        await flow.claim();
        await flow.pass();
      } finally {
        await flow.close();
      }
      return await read(to);
    };

    test('one key column is the _id, several are a document in it, and NULL is left out', async () => {
      assert.deepEqual(await copied('one', ['no']), [
        { _id: 1, no: 1, first: 'Ada', last: 'L' },
        { _id: 2, no: 2, first: 'Bob', last: 'M', age: 40 },
      ]);
      const [ada] = await copied('two', ['last', 'first']);
      assert.deepEqual(ada?._id, { first: 'Ada', last: 'L' });
      // The order of a manifest makes no other document.
      assert.equal((await copied('two', ['first', 'last'])).length, 2);
    });

    test('a unique index over the key is used, and MongoDB makes the _id', async () => {
      await database.command({ create: 'indexed' });
      await database.command({
        createIndexes: 'indexed',
        indexes: [{ key: { no: 1 }, name: 'no', unique: true }],
      });
      const first = await copied('indexed', ['no']);
      assert.ok(first.every(({ _id }) => BSON.ObjectId.isValid(String(_id)) && String(_id).length === 24));
      assert.deepEqual(await copied('indexed', ['no']), first);
    });

    test('an Upsert sets the fields of its columns, and leaves others alone', async () => {
      await database.collection('mixed').insertMany([{ _id: 2, no: 2, first: 'old', age: 1, extra: 'kept' }]);
      const found = await copied('mixed', ['no']);
      assert.deepEqual(found[1], { _id: 2, no: 2, first: 'Bob', age: 40, extra: 'kept', last: 'M' });
    });

    test('a row that is larger than a document can be is refused, and the others are written', async () => {
      const text = 'x'.repeat(9 * 1_024 ** 2);
      await database.command({ create: 'large' });
      await database.collection('large').insertMany([
        { _id: 1, text },
        { _id: 2, text: 'small' },
      ]);
      const twice = ['one', 'two'].map((each) => ({
        name: each,
        path: 'text',
        type: 'text',
        nullable: true,
      }));
      const [id] = columns;
      const flow = async (onError: 'Stop' | 'Skip') =>
        await database.flow({
          from: 'large',
          to: `large${onError}`,
          columns: id ? [id, ...twice] : [],
          onError,
        });
      const stopped = await flow('Stop');
      await stopped.claim();
      await assert.rejects(stopped.pass(), { code: 'RowTooLarge' });
      await stopped.close();
      const skipped = await flow('Skip');
      await skipped.claim();
      await skipped.pass();
      await skipped.close();
      assert.deepEqual(await read('largeSkip'), [{ _id: 2, no: 2, one: 'small', two: 'small' }]);
    });

    test('documents travel whole, byte by byte, with every type', async () => {
      const everything = {
        _id: new BSON.ObjectId(),
        long: BSON.Long.fromNumber(1),
        int: new BSON.Int32(1),
        double: new BSON.Double(1),
        decimal: BSON.Decimal128.fromString('1.10'),
        nothing: null,
        list: [new BSON.Int32(1), { x: new Date(5) }],
        code: new BSON.Code('f'),
        regex: new BSON.BSONRegExp('a', 'i'),
        bytes: new BSON.Binary(Buffer.from([1]), 0x80),
        uuid: new BSON.UUID(),
        min: new BSON.MinKey(),
      };
      await database.collection('whole').insertOne(everything as never);
      const [before] = await raw('whole');
      await wholePass('whole', 'whole_copy');
      assert.deepEqual(await raw('whole_copy'), [before]);
      await database.collection('whole').updateOne({ long: everything.long }, { $unset: { nothing: 1 } });
      await wholePass('whole', 'whole_copy');
      assert.deepEqual(await raw('whole_copy'), await raw('whole'));
    });

    async function raw(collection: string): Promise<string[]> {
      const found = await database.collection(collection).find({}, { raw: true }).toArray();
      return found.map((each) => Buffer.from(each as unknown as Uint8Array).toString('hex'));
    }

    async function wholePass(from: string, to: string): Promise<void> {
      const flow = await database.flow({ from, to, isWhole: true });
      assert.equal(flow.rowFormat.format, 'bson');
      await flow.claim();
      await flow.pass();
      await flow.close();
    }

    test('the guarantee is that of the server', async () => {
      const destination = await connector.openDestination(
        database.access,
        { collection: 'x', existingRows: 'Keep' },
        signal,
      );
      await destination.describe(signal);
      assert.equal(destination.guarantee, hasTransactions ? 'ExactlyOnce' : 'AtLeastOnce');
      await destination.close();
    });

    if (!hasTransactions) {
      test('Append of a batch that was written before adds nothing where there are no transactions', async () => {
        const flow = await database.flow({ from: 'people', to: 'appended', columns, writeMode: 'Append' });
        await flow.claim();
        const [batch] = await flow.batches();
        await flow.begin();
        await flow.write(batch);
        // As after a crash between the rows and the offset.
        await database
          .collection('_idra_commits')
          .updateMany({ table: 'appended' }, { $set: { offset: null } });
        await flow.claim();
        await flow.begin();
        const again = await flow.write(batch);
        assert.deepEqual([again.written, (await read('appended')).length], [2, 2]);
        await flow.close();
      });
    }

    test('a batch is not written if its collection is gone, or another one has its name', async (t) => {
      await database.command({ create: 'claimed' });
      const flow = await database.flow({ from: 'people', to: 'claimed', columns, key: ['no'] });
      t.after(() => flow.close());
      await flow.claim();
      const [batch] = await flow.batches();
      await flow.begin();
      await database.collection('claimed').drop();
      // The server in memory gives collections no identity.
      if (hasTransactions) await database.command({ create: 'claimed' });
      await assert.rejects(flow.write(batch), { code: 'SchemaChanged', disposition: 'transient' });
      assert.deepEqual(await read('claimed'), []);
    });

    test('Replace puts only a collection with all its documents in the place of the target', async (t) => {
      await database.collection('replaced').insertOne({ _id: 0, no: 0, first: 'before' });
      const options = { from: 'people', to: 'replaced', columns, key: ['no'], writeMode: 'Replace' } as const;
      const flow = await database.flow(options);
      t.after(() => flow.close());
      await flow.claim();
      await flow.begin();
      for (const batch of await flow.batches()) await flow.write(batch);
      const shadow = (await database.names()).find((each) => each.startsWith('_idra_shadow_')) ?? '';
      await database.collection(shadow).deleteOne({ _id: 1 as never });
      await assert.rejects(flow.end(), { code: 'ReplaceCountDiffers' });
      assert.deepEqual(await read('replaced'), [{ _id: 0, no: 0, first: 'before' }]);
    });

    const planted: readonly (readonly [what: string, plant: (d: TestDatabase) => Promise<unknown>])[] = [
      ['a unique index', (d) => plantIndex(d, { unique: true })],
      ['a time limit', (d) => plantIndex(d, { expireAfterSeconds: 1 })],
      ...(hasTransactions
        ? ([
            [
              'a view',
              (d: TestDatabase) => d.command({ create: '_idra_commits', viewOn: 'people', pipeline: [] }),
            ],
          ] as const)
        : []),
    ];
    for (const [what, plant] of planted) {
      test(`a commit collection with ${what} is refused`, async () => {
        const other = await TestDatabase.create(start);
        await other.collection('people').insertOne({ _id: 1, first: 'A', last: 'B' });
        await plant(other);
        const flow = await other.flow({ from: 'people', to: 'copy', columns });
        await assert.rejects(flow.claim(), { code: 'OwnTableUnsafe', disposition: 'permanent' });
        await flow.close();
        await other.stop();
      });
    }

    if (hasTransactions) {
      // This server calls itself a mongos, but shards by its own means.
      test('a sharded collection whose shard key is not in the key is refused', async (t) => {
        const sharded = database.client
          .db('config')
          .collection<{ _id: string; key: Document }>('collections');
        const shardBy = async (collection: string, key: Document) => {
          await database.command({ create: collection });
          const _id = `${database.name}.${collection}`;
          await sharded.insertOne({ _id, key });
          t.after(() => sharded.deleteOne({ _id }));
        };
        await shardBy('by_id', { _id: 'hashed' });
        assert.equal((await copied('by_id', ['no'])).length, 2);
        await shardBy('by_last', { last: 1 });
        await assert.rejects(copied('by_last', ['no']), {
          code: 'NoUniqueIndex',
          message: /sharded by last/,
        });
        assert.equal((await copied('by_last', ['no'], { writeMode: 'Append' })).length, 2);
      });
    }

    test('a capped collection, and one of Idra, are no destination', async () => {
      const names: Record<string, string> = {
        _idra_x: 'OwnTableNamed',
        'system.x': 'NameInvalid',
        a$b: 'NameInvalid',
      };
      for (const [collection, code] of Object.entries(names))
        await assert.rejects(
          async () =>
            connector.openDestination(database.access, { collection, existingRows: 'Keep' }, signal),
          { code },
        );
    });
  });
}

async function plantIndex(database: TestDatabase, options: Document): Promise<void> {
  await database.command({ create: '_idra_commits' });
  await database.command({
    createIndexes: '_idra_commits',
    indexes: [{ key: { table: 1 }, name: 'planted', ...options }],
  });
}
