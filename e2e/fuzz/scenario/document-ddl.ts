import type { Random } from '../prng.ts';
import { command, deleteAll, updateAll } from '../systems/mongodb.ts';
import type { DocumentSystemName } from '../systems/system.ts';
import type { Change } from './designed.ts';

/** A change of a collection, or of all its documents, without their times. */
export function sourceChange(random: Random, table: string): Change {
  const field = random.pick(['a', 'b', 'n1']);
  return random.weighted<Change>([
    [2, { what: 'unset field', touches: [field], sql: [updateAll(table, `{"$unset":{"${field}":1}}`)] }],
    [2, renameField(random, table)],
    [2, { what: 'set field', touches: [field], sql: [updateAll(table, `{"$set":{"${field}":5}}`)] }],
    [1, { what: 'truncate', touches: [], sql: [deleteAll(table)] }],
    [0.7, { what: 'truncate', touches: [], sql: [command({ drop: table }), command({ create: table })] }],
    [1, awayAndBack(table)],
    [1, { what: 'unique index', touches: [], sql: [index(table, 'r', true)] }],
    [0.5, { what: 'index', touches: [], sql: [index(table, 'u', false)] }],
    [0.5, { what: 'drop key', touches: [], sql: [command({ dropIndexes: table, index: '*' })] }],
  ]);
}

/** What others do to a collection that a Sync writes. */
export function destinationChange(random: Random, table: string, system: DocumentSystemName): Change {
  // A server without identities of collections cannot know that a collection is a new one.
  const dropped = system === 'mongodb' ? 'drop' : 'truncate';
  return random.weighted<Change>([
    [2, { what: 'validator', touches: [], sql: [command({ collMod: table, ...chosenValidator(random) })] }],
    [1.5, { what: 'unique index', touches: [], sql: [index(table, random.pick(['r', 'c', 'b']), true)] }],
    [1, { what: 'drop key', touches: [], sql: [command({ dropIndexes: table, index: '*' })] }],
    [1, { what: dropped, touches: [], sql: [command({ drop: table })] }],
    [1, awayAndBack(table)],
    [0.5, { what: 'truncate', touches: [], sql: [deleteAll(table)] }],
    [1, { what: 'unset field', touches: ['b'], sql: [updateAll(table, '{"$unset":{"b":1}}')] }],
    [1, { what: 'set field', touches: ['extra'], sql: [updateAll(table, '{"$set":{"extra":"x"}}')] }],
    [0.5, renameField(random, table)],
  ]);
}

/** A collection that existed before the Sync. */
export function designCollection(
  random: Random,
  table: string,
  system: DocumentSystemName,
): readonly string[] {
  const create = random.weighted<string>([
    [2, command({ create: table })],
    // The server in memory has no validators.
    [system === 'mongodb' ? 2 : 0, command({ create: table, ...chosenValidator(random) })],
  ]);
  return [create, ...(random.chance(0.5) ? [index(table, random.pick(['r', 's', 'k1', 'c']), true)] : [])];
}

function chosenValidator(random: Random): { readonly validator: object } {
  return {
    validator: random.pick([
      { c: { $lte: 7 } },
      {
        $jsonSchema: {
          bsonType: 'object',
          properties: { b: { bsonType: ['string', 'null'], maxLength: 2 } },
        },
      },
      {},
    ]),
  };
}

function renameField(random: Random, table: string): Change {
  const [from, to] = random.pick([
    ['a', 'a2'],
    ['a2', 'a'],
    ['b', 'n1'],
    ['n1', 'b'],
  ] as const);
  const sql = updateAll(table, `{"$rename":{"${from}":"${to}"}}`);
  return { what: 'rename field', touches: [from, to], sql: [sql] };
}

function awayAndBack(table: string): Change {
  const away = table.replace('}', '_away}');
  return {
    what: 'rename table',
    touches: [],
    sql: [command({ renameCollection: table, to: away }), command({ renameCollection: away, to: table })],
  };
}

function index(table: string, field: string, unique: boolean): string {
  return command({ createIndexes: table, indexes: [{ key: { [field]: 1 }, name: `by_${field}`, unique }] });
}
