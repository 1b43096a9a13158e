import { randomBytes } from 'node:crypto';
import { type Finding, IdraError } from '../../core/errors.ts';
import type { Mode, SourceObject, WriteMode } from '../../core/sync-spec.ts';
import { statusOf } from './errors.ts';
import { policyFor } from './policy.ts';
import type { S3Session } from './session.ts';
import { openUploads } from './source/open-uploads.ts';

/** Rights that reading needs. */
export async function sourceFindings(
  session: S3Session,
  { prefix = '' }: SourceObject,
  mode: Mode,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const listed = await attempt(() => session.list({ prefix, maxKeys: 10 }, signal));
  if (listed instanceof IdraError) return [missing(listed, session, ['s3:ListBucket'], prefix, 'source')];
  const first = listed.objects.find(({ key, size }) => size > 0 && !key.endsWith('/'));
  if (first) {
    const read = await attempt(async () => (await session.read(first.key, { end: 1 }, signal)).close());
    if (read instanceof IdraError) return [missing(read, session, ['s3:GetObject'], prefix, 'source')];
  }
  return mode === 'Stream' && !(await openUploads(session, prefix, signal))
    ? [uploadsUnknown(session, prefix)]
    : [];
}

function uploadsUnknown({ where, config }: S3Session, prefix: string): Finding {
  return {
    severity: 'warning',
    code: 'UploadsUnknown',
    path: 'spec.source.prefix',
    message: `${where}: which uploads are open is not known, so objects of uploads that take longer than source.horizon are not read`,
    fix: `abort uploads that were left unfinished, and add to the policy of the credentials: ${policyFor(config.bucket, prefix, ['s3:ListBucketMultipartUploads'])}`,
  };
}

/** What was thrown if rights are missing. */
export async function attempt<T>(call: () => Promise<T>): Promise<T | IdraError> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof IdraError && thrown.code === 'PermissionDenied') return thrown;
    throw thrown;
  }
}

export function missing(
  error: IdraError,
  { config }: S3Session,
  actions: readonly string[],
  prefix: string,
  end: 'source' | 'destination',
): Finding {
  return {
    severity: 'error',
    code: 'PermissionDenied',
    path: `spec.${end}.prefix`,
    message: error.message,
    fix: `add to the policy of the credentials: ${policyFor(config.bucket, prefix, actions)}`,
  };
}

/** Rights that writing needs, and whether the endpoint refuses writes whose condition is not true: without that nobody can be fenced. */
export async function destinationFindings(
  session: S3Session,
  prefix: string,
  _writeMode: WriteMode,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const listed = await attempt(() => session.list({ prefix, maxKeys: 1 }, signal));
  if (listed instanceof IdraError)
    return [missing(listed, session, ['s3:ListBucket'], prefix, 'destination')];
  const key = `${prefix}_idra/probe-${randomBytes(8).toString('hex')}`;
  const rights = ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'];
  const probed = await attempt(() => probe(session, key, signal));
  if (probed instanceof IdraError) return [missing(probed, session, rights, prefix, 'destination')];
  return probed ? [] : [noConditions(session)];
}

/** Whether conditional writes are refused as they must be. */
async function probe(session: S3Session, key: string, signal: AbortSignal): Promise<boolean> {
  const put = (over: string | 'none') => session.put(key, Buffer.from('probe'), { over }, signal);
  try {
    const etag = await put('none');
    if (etag === undefined) return false;
    await (await session.read(key, {}, signal)).close();
    const isRefused =
      (await put('none')) === undefined && (await put('"00000000000000000000000000000000"')) === undefined;
    return isRefused && (await put(etag)) !== undefined;
  } catch (thrown) {
    // Not implemented.
    if (thrown instanceof IdraError && statusOf(thrown.cause) === 501) return false;
    throw thrown;
  } finally {
    await session.remove([key], signal);
  }
}

function noConditions({ where }: S3Session): Finding {
  return {
    severity: 'error',
    code: 'ConditionalWritesMissing',
    path: 'spec.destination.dataSource',
    message: `${where}: the endpoint does not refuse a write whose If-Match or If-None-Match is not true, so a Sync with two owners would lose or double rows`,
    fix: 'use an endpoint with conditional writes, such as AWS or a current MinIO',
  };
}
