import { z } from 'zod';
import type { Batch } from '../../../core/batch.ts';
import { restartCommand } from '../../../core/commands.ts';
import { permanent } from '../../../core/errors.ts';
import type { PassEnd } from '../../../core/pass-end.ts';
import { objectChanged } from '../connection/object-contents.ts';
import type { ObjectEntry } from '../session.ts';
import { BatchBuilder, type PassInit, type Progress } from './object-batch.ts';
import { ObjectList } from './object-list.ts';
import { maxAhead } from './objects-ahead.ts';

/** Key, ETag, time, size and position of the object that was read last; of one that was read to its end only the key. */
const keyShape = z.union([
  z.tuple([z.string()]),
  z.tuple([z.string(), z.string(), number(), number(), number(), number()]),
]);

function number() {
  return z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number);
}

/** An object that is replaced again and again while it is read. */
const maxVersions = 5;

/** All objects, in the order of their keys. */
export async function* readSnapshot(pass: PassInit): AsyncGenerator<Batch, PassEnd> {
  const { after } = pass.request;
  if (after?.mode !== 'Snapshot') throw unreadable();
  const builder = new BatchBuilder(pass);
  const batch = (key: readonly string[]) => builder.take({ ...after, key, isComplete: false });
  let last: readonly string[] | undefined;
  for await (const progress of readObjects(
    pass,
    builder,
    after.key === null ? undefined : partOf(after.key),
  )) {
    last = keyOf(progress);
    if (builder.isFull) yield batch(last);
  }
  if (builder.isChanged && last) yield batch(last);
  return { bound: { kind: 'none' }, isHeldBack: false };
}

async function* readObjects(
  pass: PassInit,
  builder: BatchBuilder,
  start: Part | undefined,
): AsyncGenerator<Progress> {
  if (start?.object) yield* readVersions(pass, builder, start.object, start.position);
  const list = new ObjectList(pass.session, pass.prefix, start?.key);
  try {
    for (;;) {
      const object = await list.next(pass.signal);
      if (!object) return;
      pass.reading.ahead.request([object, ...list.listed(maxAhead - 1)]);
      yield* readVersions(pass, builder, object);
    }
  } finally {
    pass.reading.ahead.close();
  }
}

/** An object that is replaced while it is read is read again from its beginning. */
async function* readVersions(
  { session, signal }: PassInit,
  builder: BatchBuilder,
  object: ObjectEntry,
  position?: Part['position'],
): AsyncGenerator<Progress> {
  let [version, from]: [ObjectEntry | undefined, Part['position']] = [object, position];
  for (let count = 0; version; count++) {
    if (count === maxVersions) throw objectChanged(session.where, object.key);
    let isChanged = false;
    for await (const progress of builder.read(version, from)) {
      isChanged = 'isDone' in progress && progress.isChanged;
      // The key alone would say that the object is done.
      if (!isChanged) yield progress;
    }
    if (!isChanged) return;
    version = await session.head(object.key, signal);
    from = undefined;
  }
}

function keyOf(progress: Progress): readonly string[] {
  const { key, etag, modified, size } = progress.object;
  if ('isDone' in progress) return [key];
  return [key, etag, ...[modified, size, ...progress.position].map(String)];
}

interface Part {
  readonly key: string;
  readonly object?: ObjectEntry;
  readonly position?: readonly [number, number] | undefined;
}

function partOf(offset: readonly string[]): Part {
  const parsed = keyShape.safeParse(offset);
  if (!parsed.success) throw unreadable();
  const [key, etag, modified, size, first, second] = parsed.data;
  if (etag === undefined) return { key };
  return {
    key,
    object: { key, etag, modified: modified ?? 0, size: size ?? 0 },
    position: [first ?? 0, second ?? 0],
  };
}

function unreadable(): Error {
  return permanent('OffsetUnreadable', 'the stored offset is not a position in objects of S3', {
    fix: `run the version of Idra that wrote it, or ${restartCommand}`,
  });
}
