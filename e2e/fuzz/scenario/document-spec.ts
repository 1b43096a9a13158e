import type { Random } from '../prng.ts';
import { type DocumentSystemName, type FuzzSystemName, hasDocuments } from '../systems/system.ts';
import { witness } from './columns.ts';
import type { DocumentDesign } from './designed.ts';
import type { FlowSpec, SourceDesign } from './scenario.ts';
import { choosePace, chooseWriteMode, safetyLag } from './spec.ts';

/** A Sync of a collection: usually one that can run, sometimes one that must be refused. */
export function designDocumentSpec(
  random: Random,
  from: DocumentSystemName,
  to: FuzzSystemName,
  design: DocumentDesign,
): { readonly source: SourceDesign; readonly spec: FlowSpec } {
  const mode = random.weighted<FlowSpec['mode']>([
    [4, 'Snapshot'],
    [3, 'Id'],
    [3, 'Timestamp'],
    [0.5, 'LastDestinationId'],
    [0.5, 'LastDestinationTimestamp'],
    [from === 'mongodb-memory' ? 12 : 0.2, 'Stream'],
  ]);
  const isOnce = random.chance(0.06);
  const writeMode = chooseWriteMode(random, mode, isOnce);
  const deletes =
    mode === 'Stream' && writeMode === 'Upsert'
      ? random.weighted<FlowSpec['deletes']>([
          [4, 'Hard'],
          [2, 'Soft'],
          [2, undefined],
        ])
      : undefined;
  const spec: FlowSpec = {
    mode,
    writeMode,
    schemaChanges: random.weighted([
      [2, 'Fail'],
      [4, 'AddColumns'],
      [1, 'Ignore'],
    ]),
    onError: mode.startsWith('Last') || random.chance(0.6) ? 'Stop' : 'Skip',
    ...choosePace(random, isOnce),
    ...safetyLag(random, from),
    ...(random.chance(0.5) && writeMode === 'Append' ? { existingRows: 'Keep' as const } : {}),
    ...(deletes ? { deletes } : {}),
  };
  const isNamed = random.chance(hasDocuments(to) ? 0.3 : 0.5);
  return {
    spec,
    source: {
      ...(random.chance(0.1) ? { key: random.pick([['_id'], [witness], ['c']]) } : {}),
      ...(mode.endsWith('Id') ? { idField: 's' } : {}),
      ...(mode.endsWith('Timestamp') ? { timestampField: 'u' } : {}),
      ...(isNamed ? { columns: namedColumns(random, design) } : {}),
      ...(random.chance(0.2) ? { sample: random.pick([1, 3, 10]) } : {}),
    },
  };
}

function namedColumns(random: Random, { id, values }: DocumentDesign): NonNullable<SourceDesign['columns']> {
  const nested = values.find(({ name }) => name === 'v_doc');
  return [
    { name: '_id', type: id.column ?? 'json', nullable: false },
    { name: witness, type: 'int64' },
    { name: 's', type: random.pick(['int64', 'decimal(20,2)']) },
    { name: 'u', type: 'timestamp(3) with time zone' },
    { name: 'a', type: random.pick(['int64', 'text', 'decimal(10,2)']) },
    { name: 'b', type: random.pick(['text', 'text(40)']) },
    ...values.map(({ name, kind }) => ({ name, type: random.chance(0.1) ? 'json' : kind.column })),
    ...(nested ? [{ name: 'nested', path: 'v_doc.x', type: random.pick(['json', 'int64']) }] : []),
  ];
}
