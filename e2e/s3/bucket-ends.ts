import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { snappyUncompressor } from 'hysnappy';
import type { Manifest, WrittenObject } from '../../connectors/s3/destination/commit-rows.ts';
import type { TestBucket } from '../../connectors/s3/test-harness.ts';
import { systemManifest } from '../kit/systems.ts';

/** The Secret and the DataSource of a bucket. */
export function bucketManifests(name: string, { server, name: bucket }: TestBucket): string {
  const reference = (key: string) => `{ name: ${name}, key: ${key} }`;
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { id: "${server.accessKeyId}", secret: "${server.secretAccessKey}" }
---
${systemManifest(
  name,
  `s3: { bucket: ${bucket}, region: ${server.region}, endpoint: "${server.endpoint}", accessKeyIdSecretRef: ${reference('id')}, secretAccessKeySecretRef: ${reference('secret')} }`,
)}`;
}

export const eventColumns = [
  { name: 'id', type: 'int64', nullable: false },
  { name: 'body', type: 'text' },
];

/** An upload in parts that has begun. Returns what ends it. */
export async function beginUpload(
  { server: { client }, name }: TestBucket,
  key: string,
  content: string,
): Promise<() => Promise<void>> {
  const place = { Bucket: name, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
  const part = { ...place, UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: content }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  return async () => {
    await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload }));
  };
}

export interface CommittedIds {
  readonly ids: readonly number[];
  /** Objects with rows that no manifest lists. */
  readonly leftovers: readonly string[];
}

/** What readers of the only manifest below a prefix see. */
export async function committedIds(bucket: TestBucket, prefix: string): Promise<CommittedIds> {
  const keys = await bucket.allKeys(prefix);
  const manifests = keys.filter((key) => /\/_idra\/[^/]+\.json$/.test(key));
  if (manifests.length !== 1) throw new Error(`there are ${manifests.length} manifests`);
  const manifest = (await bucket.json(manifests[0] ?? '')) as Manifest;
  const objects = [...manifest.objects];
  for (const { key } of manifest.lists)
    objects.push(...((await bucket.json(key)) as unknown as WrittenObject[]));
  const ids: number[] = [];
  for (const { key } of objects) for (const id of await idsIn(bucket, key)) ids.push(id);
  const listed = new Set(objects.map(({ key }) => key));
  return { ids, leftovers: keys.filter((key) => !key.includes('/_idra/') && !listed.has(key)) };
}

async function idsIn(bucket: TestBucket, key: string): Promise<readonly number[]> {
  const bytes = await bucket.get(key);
  if (!key.endsWith('.parquet'))
    return bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { readonly id: number }).id);
  const file = new Uint8Array(bytes).buffer;
  const rows = await parquetReadObjects({ file, compressors: { SNAPPY: snappyUncompressor() } });
  return rows.map(({ id }) => Number(id));
}

/** Throws unless these are the numbers from 1 to `count`, each once. */
export function requireEachOnce(ids: readonly number[], count: number, where: string): void {
  const seen = new Set(ids);
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((id) => !seen.has(id));
  if (seen.size === count && ids.length === count && missing.length === 0) return;
  const lost = `${missing.length} lost (${missing.slice(0, 5)})`;
  throw new Error(`${where}: ${lost}, ${ids.length - seen.size} doubled, of ${count}`);
}
