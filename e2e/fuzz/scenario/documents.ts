import type { Random } from '../prng.ts';
import { command } from '../systems/mongodb.ts';
import { type DocumentSystemName, type FuzzSystemName, hasDocuments } from '../systems/system.ts';
import { idOf, type RowCounters, type TableDesign, witness } from './columns.ts';
import type { DesignedFlow, DocumentDesign } from './designed.ts';
import { designCollection } from './document-ddl.ts';
import { designDocumentSpec } from './document-spec.ts';
import { type FieldKind, fieldKinds, idKinds, idLiteral, now } from './document-values.ts';

import type { RowDesign } from './scenario.ts';

export function designDocuments(
  random: Random,
  from: DocumentSystemName,
  to: FuzzSystemName,
  at: number,
): DesignedFlow {
  const documents = designDocumentFields(random, to);
  const counters = { row: 1, key: 1, sequence: 1 };
  const count = random.weighted([
    [1, 0],
    [3, 5],
    [3, 23],
    [1, 70],
  ]);
  const rows = Array.from({ length: count }, () => designDocument(random, documents, counters));
  const table = `{t${at}}`;
  const { source, spec } = designDocumentSpec(random, from, to, documents);
  const isIndexed = documents.sequence === 'unique' && random.chance(0.5);
  return {
    documents,
    counters,
    flow: {
      columns: [],
      shape: 'documents',
      constraint: `_id ${documents.id.name}`,
      sequence: documents.sequence,
      key: ['_id'],
      create: [command({ create: table }), ...(isIndexed ? [uniqueIndex(table, 's')] : [])],
      createDestination:
        hasDocuments(to) && random.chance(0.3) ? designCollection(random, `{d${at}}`, to) : [],
      rows,
      reads: { kind: 'table', sql: '' },
      source,
      spec,
    },
  };
}

function designDocumentFields(random: Random, to: FuzzSystemName): DocumentDesign {
  const ids = hasDocuments(to) ? idKinds : idKinds.filter((each) => each.column || random.chance(0.1));
  const kinds = random.some(fieldKinds, random.below(5));
  return {
    id: random.pick(ids),
    sequence: random.weighted<TableDesign['sequence']>([
      [6, 'unique'],
      [2, 'in threes'],
      [1, 'nullable'],
    ]),
    values: kinds.map((kind) => ({ name: `v_${kind.name}`, kind })),
    hasMisfits: random.chance(0.15),
    hasNewFields: random.chance(0.2),
  };
}

/** Fields may be missing, or null. */
export function designDocument(random: Random, design: DocumentDesign, counters: RowCounters): RowDesign {
  const n = counters.row++;
  const document: Record<string, string> = {
    _id: design.id.value(counters.key++),
    [witness]: String(n),
    s: idLiteral(random, Number(idOf(design.sequence, counters.sequence++))),
    u: now,
    a: random.chance(0.2) ? 'null' : String(random.between(-5, 1000)),
    b: random.chance(0.2) ? 'null' : `"b${random.below(100)}"`,
    c: String(random.below(10)),
  };
  if (design.sequence === 'nullable' && random.chance(0.15)) document.s = random.pick(['null', '[5]']);
  if (random.chance(0.03)) delete document.u;
  if (random.chance(0.1)) delete document.a;
  for (const { name, kind } of design.values) {
    if (!random.chance(0.15)) document[name] = fieldLiteral(random, kind, design.hasMisfits);
  }
  if (design.hasNewFields && random.chance(0.1)) document[newName(random)] = newValue(random);
  return document;
}

/** Most are plain; some are no name of a column, or one that another system takes for that of a column that it has. */
export function newName(random: Random): string {
  return random.weighted([
    [6, `n${random.between(1, 3)}`],
    [2, random.pick(['A', 'N1', 'V_DOC'])],
    [1, random.pick(['ñ', "it's", 'two words', 'select'])],
    [1, random.pick(['n.1', '$n', 'n ', 'n'.repeat(70)])],
  ]);
}

export function newValue(random: Random): string {
  return random.pick(random.pick(fieldKinds).values);
}

export function fieldLiteral(random: Random, kind: FieldKind, hasMisfits: boolean): string {
  if (hasMisfits && kind.misfits.length > 0 && random.chance(0.1)) return random.pick(kind.misfits);
  return random.chance(0.15) ? 'null' : random.pick(kind.values);
}

export function uniqueIndex(table: string, field: string): string {
  const index = { key: { [field]: 1 }, name: `by_${field}`, unique: true };
  return command({ createIndexes: table, indexes: [index] });
}
