import type { ClaimRequest, SystemAccess, WritePlan } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { permanent } from '../../../core/errors.ts';
import { parseSize } from '../../../core/manifest/units.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import { SchemaRegistry } from '../connection/schema-registry.ts';
import { requireKnownFormat } from '../describe.ts';
import type { KafkaSession } from '../session.ts';
import { unnameable } from '../types/avro-encode.ts';
import type { Compression } from '../types/compression.ts';
import { codecs } from '../types/compression.ts';
import {
  avroEncoder,
  avroSchemas,
  jsonEncoder,
  type RowEncoder,
  rawEncoder,
  unknownRawColumns,
} from '../types/encode.ts';
import type { Encoding } from './batch-writer.ts';
import { topicSettings } from './ddl.ts';

const defaultMessageBytes = 1_048_588;
const defaultBatchBytes = 1_024_000;
/** The header of a batch. */
const batchOverhead = 200;
const sizeSetting = 'max.message.bytes';

/** How the rows of this claim become messages. Registers the schemas of Avro. */
export async function encodingOf(
  access: SystemAccess,
  session: KafkaSession,
  object: DestinationObject,
  { plan, name }: Pick<ClaimRequest, 'plan' | 'name'>,
  signal: AbortSignal,
): Promise<Encoding> {
  const topic = object.topic ?? '';
  const settings = await topicSettings(session, topic, [sizeSetting], signal);
  const maxMessageBytes = Number(settings.get(sizeSetting) ?? defaultMessageBytes) - batchOverhead;
  const wanted = object.messageBatch === undefined ? undefined : parseSize(object.messageBatch);
  return {
    topic,
    where: `topic ${topic}`,
    plan,
    encoder: await rowEncoder(access, object, plan, signal),
    compression: compressionOf(object),
    maxBatchBytes: Math.min(wanted ?? defaultBatchBytes, maxMessageBytes),
    maxMessageBytes,
    headers: object.messageHeaders
      ? [
          { name: 'idra-sync', value: Buffer.from(name) },
          { name: 'idra-offset', value: null },
        ]
      : [],
  };
}

async function rowEncoder(
  access: SystemAccess,
  object: DestinationObject,
  plan: WritePlan,
  signal: AbortSignal,
): Promise<RowEncoder> {
  requireKnownFormat(object.format, 'destination');
  if (object.format === 'Raw') return rawEncoder(plan);
  if (object.format !== 'Avro') return jsonEncoder(plan, object.numbersAsText === true);
  const topic = object.topic ?? '';
  const registry = new SchemaRegistry(access);
  const schemas = avroSchemas(topic, plan);
  const key = schemas.key ? await registry.register(`${topic}-key`, schemas.key.schema, signal) : -1;
  const value = await registry.register(`${topic}-value`, schemas.value.schema, signal);
  return avroEncoder(plan, schemas, { key, value });
}

function compressionOf({ compression = 'None' }: DestinationObject): Compression {
  if (Object.hasOwn(codecs, compression)) return compression as Compression;
  throw permanent('ManifestInvalid', `messages are not compressed by ${compression}`, {
    path: 'spec.destination.compression',
    fix: `use ${Object.keys(codecs).join(', ')}`,
  });
}

/** What the format cannot express, for `idra plan` and before a claim. */
export function formatFindings(object: DestinationObject, plan: WritePlan): Finding[] {
  const findings: Finding[] = [];
  const error = (message: string, path: string, fix: string) =>
    findings.push({ severity: 'error', code: 'TypeNotKept', path, message, fix });
  const names = plan.columns.columns;
  if (object.format === 'Avro') {
    const wrong = unnameable(names);
    if (wrong.length > 0)
      error(
        `column ${wrong.join(', ')} has a name that no field of Avro can have`,
        'spec.destination.format',
        'rename it in the source to letters, digits and _, or use format JSON',
      );
  }
  if (object.format === 'Raw') {
    const wrong = unknownRawColumns(plan);
    if (wrong.length > 0 || !names.some(({ name }) => name === 'value'))
      error(
        'format Raw writes the columns key, value, headers and timestamp, and needs value',
        'spec.destination.format',
        wrong.length > 0
          ? `leave out ${wrong.join(', ')} at the source, or use format JSON`
          : 'name a column value',
      );
  }
  if (plan.deletes === 'Soft')
    findings.push({
      severity: 'error',
      code: 'DeletesNotOffered',
      path: 'spec.deletes',
      message: 'a message replaces the one before as a whole: a deletion cannot only mark it',
      fix: 'use Hard, which writes a message without value, or Ignore',
    });
  return findings;
}
