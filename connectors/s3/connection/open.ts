import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { S3Config } from '../config.ts';
import { type AnswerOwner, LimitedHandler } from './limited-handler.ts';

/** Concurrent requests of one end of a Sync. */
const maxSockets = 16;
const connectTimeoutMs = 10_000;
/** Until the headers of an answer arrive: a server may take long to put a large upload together. */
const answerTimeoutMs = 120_000;
const silenceTimeoutMs = 60_000;

/**
 * A client of the driver. It follows no redirect, so credentials are sent only to the endpoint; it checks what S3-compatible services
 * support, and nothing that only AWS has.
 */
export function openClient(config: S3Config, owner: AnswerOwner): S3Client {
  const { endpoint, keys, region, isPathStyle, ca } = config;
  const agent = { keepAlive: true, maxSockets };
  const handler = new NodeHttpHandler({
    connectionTimeout: connectTimeoutMs,
    requestTimeout: answerTimeoutMs,
    throwOnRequestTimeout: true,
    socketTimeout: silenceTimeoutMs,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent({ ...agent, ...(ca !== undefined && { ca }) }),
  });
  return new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(keys && { credentials: keys }),
    forcePathStyle: isPathStyle,
    followRegionRedirects: false,
    requestHandler: new LimitedHandler(handler, owner),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Each request with this header would open a connection of its own.
    expectContinueHeader: false,
    maxAttempts: 3,
  });
}

/** What must be true of the object that is written over: its ETag; `none`: there must be no object. */
export type Condition = string | 'none' | undefined;

export function conditionOf(over: Condition): { IfNoneMatch?: string; IfMatch?: string } {
  if (over === undefined) return {};
  return over === 'none' ? { IfNoneMatch: '*' } : { IfMatch: over };
}
