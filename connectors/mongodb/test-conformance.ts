import { Long } from 'mongodb';
import type {
  Abilities,
  Shape,
  TestEnd,
  TestRow,
  TestSpace,
  TestSystem,
} from '../../e2e/kit/conformance/harness.ts';
import { definition } from './definition.ts';
import { servers, TestDatabase } from './test-harness.ts';

const common = {
  query: 'what a Sync reads is a collection, with source.filter',
  slowQuery: 'source.filter runs no code',
  change: 'documents have no columns that could change',
  openLateRow: 'what a transaction has written cannot be seen before it commits, and safetyLag covers it',
  caselessKeys: 'the test servers have no collations',
  wrongAccess: 'a database comes into being with its first collection; config.test.ts has the rest',
  refuseDeletion: 'nothing at the server refuses to delete a document',
  accessWithoutWriting: 'the test servers have no roles for single collections',
} as const;

const keyless = 'a cursor also shows what is inserted behind its position';

/** DocumentDB has no change streams. */
const { modes, ...source } = definition.capabilities.source;
const withoutStream = {
  ...definition,
  capabilities: {
    ...definition.capabilities,
    source: { ...source, modes: modes.filter((mode) => mode !== 'Stream'), seesDeletes: [] },
  },
};

export const systems: readonly TestSystem[] = servers.map(([name, start], index) => ({
  name,
  definition: index === 0 ? withoutStream : definition,
  lacks: {
    ...common,
    ...(index === 0
      ? {
          loseHistory: 'it has no change streams',
          changeNothing: 'it builds an index only when no cursor is open',
        }
      : {
          transactions: 'it has no transactions',
          storeToken: 'without transactions an earlier owner cannot be refused',
          storeOffset: 'as storeToken',
          storeNewerLayout: 'as storeToken',
          replaceObject: 'it does not tell one collection from another of the same name',
          createView: 'it has no views',
        }),
  },
  waivers:
    index === 0 ? { 'without a key a pass is one snapshot, whatever is written meanwhile': keyless } : {},
  hasRawFormat: false,
  invalidName: 'a$b',
  open: async () => openSpace(await TestDatabase.create(start), index === 0),
}));

async function openSpace(database: TestDatabase, isTransactional: boolean): Promise<TestSpace> {
  const end = endOf(database);
  const commits = database.collection('_idra_commits');
  const store = async (table: string, set: object) =>
    void (await commits.updateMany({ table }, { $set: set }));
  const abilities: Partial<Abilities> = {
    countSessions: async () => database.proxy.connections,
    cutSessions: async () => database.proxy.cut(),
    async leftovers() {
      return (await database.names()).filter((name) => name.startsWith('_idra_') && name !== '_idra_commits');
    },
    async markedRows(name) {
      const found = await database
        .collection(name)
        .find({ _deleted_at: { $ne: null } })
        .sort({ id: 1 })
        .toArray();
      return found.map(({ id }) => String(id));
    },
    ...(isTransactional
      ? {
          transactions: true as const,
          createView: async (view, of) =>
            void (await database.command({ create: view, viewOn: of, pipeline: [] })),
          storeToken: (name, token) => store(name, { token: Long.fromBigInt(token) }),
          storeOffset: (name, offset) => store(name, { offset }),
          storeNewerLayout: (name) => store(name, { layout: 99 }),
          async replaceObject(_, name) {
            const moved = {
              renameCollection: `${database.name}.${name}`,
              to: `${database.name}.${name}_old`,
            };
            await database.client.db('admin').command(moved);
            await database.command({ create: name });
          },
        }
      : {
          changeNothing: async (_, name) =>
            void (await database.command({
              createIndexes: name,
              indexes: [{ key: { body: 1 }, name: 'by_body' }],
            })),
          loseHistory: async () => void (await database.client.db('admin').command({ forgetHistory: 1 })),
        }),
  };
  return { source: end, destination: end, abilities, stop: () => database.stop() };
}

/** Collections whose documents have the id as `_id`, as the connector writes them, and as a field. */
function endOf(database: TestDatabase): TestEnd {
  const shapes = new Map<string, Shape>();
  const keyOf = (name: string) => shapes.get(name)?.key ?? 'id';
  return {
    access: database.access,
    async create(name, shape) {
      shapes.set(name, shape);
      const { maxBody, key } = shape;
      const validator =
        maxBody === undefined
          ? {}
          : {
              validator: {
                $jsonSchema: { bsonType: 'object', properties: { body: { maxLength: maxBody } } },
              },
            };
      await database.command({ create: name, ...validator });
      if (key === 'none') return;
    },
    async insert(name, rows) {
      const key = keyOf(name);
      const documents = rows.map((row) => documentOf(row, key));
      await database.collection(name).insertMany(documents as never);
    },
    async update(name, id, body) {
      await database.collection(name).updateMany({ id }, { $set: { body } });
    },
    async delete(name, id) {
      await database.collection(name).deleteMany({ id });
    },
    async rows(name) {
      if (!(await database.names()).includes(name)) throw new Error(`no collection ${name}`);
      const found = await database.collection(name).find().toArray();
      const texts = found.map(({ id, body }) => (body === undefined ? String(id) : `${id} ${body}`));
      return texts.toSorted(new Intl.Collator('en', { numeric: true }).compare);
    },
    columnsOf(name) {
      const shape = shapes.get(name);
      if (!shape) return undefined;
      const hasKey = shape.key !== 'none';
      return [
        { name: 'id', path: hasKey && keyOf(name) === 'id' ? '_id' : 'id', type: 'int64', nullable: !hasKey },
        ...(shape.hasNoBody
          ? []
          : [
              {
                name: 'body',
                path: keyOf(name) === 'body' ? '_id' : 'body',
                type: 'text',
                nullable: keyOf(name) !== 'body',
              },
            ]),
        ...(shape.hasTime
          ? [{ name: 'at', path: 'at', type: 'timestamp(3) with time zone', nullable: true }]
          : []),
      ];
    },
  };
}

function documentOf({ id, body, at }: TestRow, key: 'id' | 'body' | 'none') {
  const _id = key === 'none' ? undefined : key === 'id' ? numberOf(id) : body;
  return {
    ...(_id !== undefined && { _id }),
    ...(id !== null && { id: numberOf(id) }),
    ...(body !== undefined && { body }),
    ...(at !== undefined && { at }),
  };
}

function numberOf(id: number | null) {
  return id === null ? null : Long.fromNumber(id);
}
