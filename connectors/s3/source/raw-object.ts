import { answerMemory } from '../../../core/answer-memory.ts';
import type { BatchLimits } from '../../../core/batch.ts';
import { permanent } from '../../../core/errors.ts';
import { namespaceOf } from '../../../core/sync-spec.ts';
import type { Column, Relation, Value } from '../../../core/values.ts';
import { maxRecordBytes } from '../formats/record-object.ts';
import { type ObjectPart, type ObjectReader, startOfObject } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { constantsOf, recordCounter } from './metadata.ts';
import type { RecordReading } from './record-reading.ts';

/** The columns of `format: Raw`: an object as it is. `key` is behind the prefix, so that another prefix can take its place. */
export const rawColumns: readonly Column[] = [
  { name: 'key', type: { kind: 'text' }, nativeType: 'key', isNullable: false },
  { name: 'content', type: { kind: 'bytes' }, nativeType: 'content', isNullable: false },
  { name: 'contentType', type: { kind: 'text' }, nativeType: 'Content-Type', isNullable: true },
];

export const rawKeys: Relation['keys'] = [{ name: 'key', columns: ['key'], isPrimary: true }];

/** A whole object as one row. */
export function openRawObject(
  reading: RecordReading,
  object: ObjectEntry,
  signal: AbortSignal,
): ObjectReader {
  const { session, prefix, metadata, request } = reading.init;
  if (object.size > maxRecordBytes)
    throw permanent(
      'RecordOverLimit',
      `${session.where}: ${object.key} has ${object.size} bytes, and format Raw reads an object of up to ${maxRecordBytes} as one row`,
      {
        path: 'spec.source.prefix',
        fix: 'copy large objects by other means, and keep them below another prefix',
      },
    );
  const constants = constantsOf(metadata, object) as ReadonlyMap<string, Value>;
  const counter = recordCounter(reading.init);
  const rowOf = (content: Buffer, contentType: string | undefined): Value[] => {
    const own: Readonly<Record<string, Value>> = {
      key: object.key.slice(prefix.length),
      content,
      contentType: contentType ?? null,
    };
    return request.columns.map(({ column: { name } }, index) =>
      index === counter ? 1n : (own[name] ?? constants.get(name) ?? null),
    );
  };
  const share = answerMemory.shareOf({
    namespace: namespaceOf(session.dataSource),
    where: `${session.where}, ${object.key}`,
    end: () => {},
  });
  return {
    async part({ maxBytes }: BatchLimits, isAlone: boolean): Promise<ObjectPart> {
      if (object.size > maxBytes && !isAlone)
        return { rows: [], bytes: 0, position: startOfObject, isEnd: false };
      share.hold(object.size);
      const body = await reading.ahead.read(object, {}, signal);
      try {
        const parts: Buffer[] = [];
        for await (const chunk of body.chunks) parts.push(chunk);
        const row = rowOf(Buffer.concat(parts), body.contentType);
        return { rows: [row], bytes: object.size, position: startOfObject, isEnd: true };
      } finally {
        body.close();
      }
    },
    close: () => share.release(),
  };
}
