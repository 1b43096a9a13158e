import type { TestEnd, TestRow, TestSystem } from './kit/conformance/harness.ts';
import { testConformance } from './kit/conformance/run.ts';
import { streaming } from './kit/conformance/source/streaming.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { Collection } from './record-system/collection.ts';
import { definition } from './record-system/definition.ts';

/** The cases about streams, on a system whose log is known to be right. */
const system: TestSystem = {
  name: definition.title,
  definition,
  lacks: Object.fromEntries(
    [
      ...['query', 'slowQuery', 'createView', 'transactions', 'caselessKeys', 'change', 'changeNothing'],
      ...[
        'replaceObject',
        'openLateRow',
        'countSessions',
        'cutSessions',
        'wrongAccess',
        'accessWithoutWriting',
      ],
      ...['storeToken', 'storeOffset', 'storeNewerLayout', 'markedRows', 'refuseDeletion', 'leftovers'],
    ].map((ability) => [ability, 'only cases about streams are run']),
  ),
  waivers: {},
  hasRawFormat: false,
  async open() {
    const folder = await tempFolder('record-conformance');
    const end = endIn(folder);
    return {
      source: end,
      destination: end,
      abilities: { loseHistory: async (object) => new Collection(folder, object).loseHistory() },
      stop: () => removeFolder(folder),
    };
  },
};

function endIn(folder: string): TestEnd {
  const of = (object: string) => new Collection(folder, object);
  const document = ({ id, body }: TestRow) => ({
    id: Number(id),
    document: JSON.stringify({ _id: id, body }),
  });
  return {
    access: { dataSource: 'test/records', config: { folder }, secret: () => undefined },
    create: async (object) => of(object).create(),
    insert: async (object, rows) => of(object).apply(rows.map(document)),
    update: async (object, id, body) => of(object).apply([document({ id, body })]),
    delete: async (object, id) => of(object).apply([{ id, document: null }]),
    rows: async (object) =>
      of(object)
        .documents()
        .map((each) => `${each.id} ${(JSON.parse(each.document ?? '') as { body: string }).body}`),
  };
}

testConformance([system], streaming);
