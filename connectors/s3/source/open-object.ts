import type { ObjectPosition, ObjectReader } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { openParquetObject } from './parquet-object.ts';
import type { RecordReading } from './record-reading.ts';
import { openTextObject } from './text-object.ts';

/** The rows of an object behind a position, by its format. */
export async function openObject(
  reading: RecordReading,
  object: ObjectEntry,
  position: ObjectPosition,
  signal: AbortSignal,
): Promise<ObjectReader> {
  return reading.init.format.name === 'Parquet'
    ? await openParquetObject(reading, object, position, signal)
    : await openTextObject(reading, object, position, signal);
}
