import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { parseSize } from '../../../core/manifest/units.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import type { ColumnType, Row } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { encoderOf, type ObjectContent, type ObjectEncoder, type RowMisfit } from './encoder.ts';
import { maxPartitions, type PartitionOf, partitioner } from './partitions.ts';

export interface BatchWriterInit {
  readonly plan: WritePlan;
  readonly object: DestinationObject;
  /** `bucket/prefix`, for messages. */
  readonly name: string;
}

/** An object that is to be written. */
export interface NewObject {
  /** Folders of its partition, relative to the prefix. */
  readonly folder: string;
  readonly content: ObjectContent;
}

export interface Encoded {
  readonly objects: readonly NewObject[];
  readonly written: number;
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
}

const maxRejections = 10;
const maxKeyBytes = 1_024;
/** Of a part between two slashes: more is refused by servers that store objects as files. */
const mostNameBytes = 255;
/** Left to the name of an object. */
const nameBytes = 160;
/** Encoded without a pause: requests that are under way go on between them. */
const rowsPerTurn = 4_096;
const defaultObjectBytes = 128 * 1_024 ** 2;

/** Puts the rows of a batch into objects, by their partitions and the limit of an object. */
export class BatchWriter {
  readonly encoder: ObjectEncoder;
  readonly #init: BatchWriterInit;
  readonly #partitionOf: PartitionOf | undefined;
  readonly #objectBytes: number;
  readonly #longestFolder: number;
  readonly #tooLong: RowMisfit;

  constructor(init: BatchWriterInit) {
    const { plan, object } = init;
    const columns = plan.columns.columns.map(({ name, source, isNullable }) => ({
      name,
      type: writtenType(source.type),
      isNullable,
    }));
    this.#init = init;
    this.encoder = encoderOf(object, columns);
    this.#partitionOf = object.partitionBy && partitioner(object.partitionBy, columns);
    this.#longestFolder = maxKeyBytes - nameBytes - Buffer.byteLength(object.prefix ?? '');
    this.#tooLong = {
      column: object.partitionBy?.[0]?.column ?? '',
      reason: `makes a folder of more than ${mostNameBytes} bytes, or a key of more than ${maxKeyBytes}`,
    };
    this.#objectBytes = parseSize(object.objectSize ?? '') ?? defaultObjectBytes;
  }

  /** Whether all rows of a batch of this size go to one object of the prefix itself. */
  fillsOneObject({ byteCount }: Batch): boolean {
    return this.#partitionOf === undefined && byteCount < this.#objectBytes / 2;
  }

  async encode({ rows }: Batch): Promise<Encoded> {
    const { plan, name } = this.#init;
    if (!('rows' in rows)) throw permanent('Bug', `${name} is written with rows of format ${rows.format}`);
    const objects: NewObject[] = [];
    const open = new Map<string, ObjectContent>();
    const rejections: Rejection[] = [];
    let [written, rejected] = [0, 0];
    for (const row of rows.rows) {
      if ((written + rejected) % rowsPerTurn === 0) await nextTurn();
      const misfit = this.#add(row, open, objects);
      if (!misfit) {
        written += 1;
        continue;
      }
      const rejection = this.#rejection(row, misfit);
      if (plan.onError === 'Stop') throw refusedRow(rejection, name);
      rejected += 1;
      if (rejections.length < maxRejections) rejections.push(rejection);
    }
    return { objects: objects.filter(({ content }) => content.rows > 0), written, rejected, rejections };
  }

  #add(row: Row, open: Map<string, ObjectContent>, objects: NewObject[]): RowMisfit | undefined {
    const folder = this.#partitionOf?.(row) ?? '';
    if (folder.length > mostNameBytes && this.#isTooLong(folder)) return this.#tooLong;
    const known = open.get(folder);
    if (known && known.bytes < this.#objectBytes) return known.add(row);
    if (!known && open.size === maxPartitions) throw tooManyPartitions(this.#init.name);
    const content = this.encoder.start();
    open.set(folder, content);
    objects.push({ folder, content });
    return content.add(row);
  }

  /** Folders are encoded, so that each character is a byte. */
  #isTooLong(folder: string): boolean {
    return (
      folder.length > this.#longestFolder || folder.split('/').some(({ length }) => length > mostNameBytes)
    );
  }

  #rejection(row: Row, { column, reason }: RowMisfit): Rejection {
    return {
      code: 'ValueNotKept',
      column,
      message: `the value ${reason}`,
      ...namedAs(rowName(this.#init.plan, row)),
    };
  }
}

function tooManyPartitions(name: string): Error {
  return permanent(
    'PartitionsTooMany',
    `${name}: the rows of one batch belong to more than ${maxPartitions} partitions`,
    {
      path: 'spec.destination.partitionBy',
      fix: 'partition by a column with fewer values, or by its day',
    },
  );
}

/** Values of types that objects do not have travel as their text. */
function writtenType(type: ColumnType): ColumnType {
  return type.kind === 'other' || type.kind === 'enum' ? { kind: 'text' } : type;
}

/**
 * The name of an object without its folder, from the Sync, the number of the commit, the offsets before and after it, and its place among the
 * objects of the commit. Names sort in the order of commits, and none of them is used for two commits.
 */
export function objectName(
  uid: string,
  sequence: number,
  offsets: { readonly before: string | null; readonly after: string | null },
  index: number,
): string {
  const range = createHash('sha256')
    .update(JSON.stringify([offsets.before, offsets.after]))
    .digest('hex');
  return `${encodeURIComponent(uid)}-${String(sequence).padStart(10, '0')}-${range.slice(0, 12)}-${index}`;
}

/** The number of the commit in such a name; undefined: it is another name. */
export function sequenceOf(key: string, uid: string): number | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const start = `${encodeURIComponent(uid)}-`;
  if (!name.startsWith(start)) return undefined;
  const [, digits] = /^(\d{10,16})-[0-9a-f]{12}-/.exec(name.slice(start.length)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
