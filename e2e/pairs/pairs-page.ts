import type { Guarantee } from '../../core/connector.ts';
import type { Definition } from '../../core/definition.ts';
import type { SystemType } from '../../core/sync-spec.ts';

/** What docs/pairs.md promises for a pair. */
export function guaranteeOf(from: SystemType, to: SystemType): Guarantee {
  // An API may list an item twice, and an object that was written is never changed.
  const isTwice = from === 'http' && to === 's3';
  return to === 'http' || isTwice ? 'AtLeastOnce' : 'ExactlyOnce';
}

const words: Readonly<Record<Guarantee, string>> = {
  ExactlyOnce: 'exactly once',
  AtLeastOnce: 'at least once',
};
const notes: Partial<Record<SystemType, string>> = { mongodb: ' (1)', s3: ' (2)' };

/** docs/pairs.md, from the definitions of the systems. */
export function pairsPage(definitions: readonly Definition[]): string {
  const matrix = definitions.map((from) => [
    from.title,
    ...definitions.map((to) => `${words[guaranteeOf(from.type, to.type)]}${notes[to.type] ?? ''}`),
  ]);
  const abilities = definitions.map(({ title, capabilities: { source, destination } }) => [
    title,
    source.modes.join(', '),
    source.seesDeletes.join(', ') || 'none',
    destination.writeModes.join(', '),
    destination.canDelete ? 'yes' : 'no',
  ]);
  return [
    introduction(definitions.length),
    ...table(['from', ...definitions.map(({ title }) => `to ${title}`)], matrix),
    '',
    '1. A replica set or a sharded cluster. A standalone server has no transactions: at least once ([mongodb.md](mongodb.md#destination)).',
    ...(definitions.some(({ type }) => type === 's3')
      ? [
          '2. For readers of the manifest ([s3.md](s3.md#the-manifest)), with `writeMode: Append` or `Replace`.',
        ]
      : []),
    '',
    '`status.guarantee` of a Sync is what holds for it. It differs from the table for `writeMode: Append` with rows of an HTTP API, and with a Stream of MongoDB that begins with a snapshot: at',
    'least once, because these sources may return a row again. With `Upsert` such a row changes nothing.',
    '',
    '## Modes',
    '',
    ...table(
      [
        'system',
        'modes as source',
        'modes that see deletions',
        'write modes as destination',
        '`deletes` as destination',
      ],
      abilities,
    ),
    '',
    'Any mode of the source goes with any write mode of the destination, except that `Replace` needs Snapshot, that `LastDestination*` need a destination with a largest value (not Kafka, S3 and HTTP), and that',
    '`Stream` of a topic whose messages have no key needs `source.key` for `Upsert`. [modes.md](modes.md) says what each mode guarantees, [types.md](types.md) how types are converted.',
    '',
  ].join('\n');
}

function introduction(count: number): string {
  return `# Pairs of systems

Every one of the ${count} systems can be source and destination of every one, including itself: ${count * count} ordered pairs, of which none is refused. The tests run each pair on real servers, compare
every row at its destination with the source, and compare the guarantee in the status with this page, which they write.
`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
}
