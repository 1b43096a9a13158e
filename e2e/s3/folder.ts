import { join } from 'node:path';
import type { TestBucket } from '../../connectors/s3/test-harness.ts';
import { syncManifest } from '../kit/single-mode.ts';
import { systemManifest } from '../kit/systems.ts';
import { bucketManifests, eventColumns } from './bucket-ends.ts';

/** Objects below `in/` to the table `events` of a SQLite file in a folder of single mode. */
export function oneWay(bucket: TestBucket, folder: string, maxRows: number): string {
  return [
    bucketManifests('lake', bucket),
    systemManifest('warehouse', `sqlite: { path: "${join(folder, 'default', 'warehouse.db')}" }`),
    syncManifest('in', {
      source: { dataSource: 'lake', prefix: 'in/', columns: eventColumns },
      destination: { dataSource: 'warehouse', table: 'events' },
      mode: 'Stream',
      writeMode: 'Append',
      schedule: { every: '1s' },
      batch: { maxRows },
    }),
  ].join('');
}

/** The same, and the rows of the table to objects below `out/`. */
export function bothWays(bucket: TestBucket, folder: string, maxRows: number): string {
  return (
    oneWay(bucket, folder, maxRows) +
    syncManifest('out', {
      source: { dataSource: 'warehouse', table: 'events', idField: 'seq' },
      destination: { dataSource: 'lake', prefix: 'out/' },
      mode: 'Id',
      writeMode: 'Append',
      schedule: { every: '1s' },
      batch: { maxRows },
    })
  );
}
