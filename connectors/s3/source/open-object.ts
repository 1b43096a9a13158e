import type { ObjectPosition, ObjectReader } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { openParquetObject } from './parquet-object.ts';
import { openRawObject } from './raw-object.ts';
import type { RecordReading } from './record-reading.ts';
import { openTextObject } from './text-object.ts';

/** The rows of an object behind a position, by its format. */
export async function openObject(
  reading: RecordReading,
  object: ObjectEntry,
  position: ObjectPosition,
  signal: AbortSignal,
): Promise<ObjectReader> {
  switch (reading.init.format.name) {
    case 'Parquet':
      return await openParquetObject(reading, object, position, signal);
    case 'Raw':
      return openRawObject(reading, object, signal);
    default:
      return await openTextObject(reading, object, position, signal);
  }
}
