import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { transient } from '../../../core/errors.ts';

/** Schemas and tokens are small. */
const maxAnswerBytes = 8 * 1024 * 1024;
const deadlineMs = 15_000;

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly tls?: ConnectionOptions | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** One call, without redirects: credentials reach no other host. The answer is limited in size and time. */
export function call(
  { method, url, headers, body, tls }: HttpCall,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(deadlineMs);
    const open = url.protocol === 'https:' ? requestTls : requestPlain;
    const fail = (thrown: Error) => {
      if (signal.aborted) reject(signal.reason);
      else if (deadline.aborted)
        reject(transient('SystemTimeout', `${url.origin}: no answer within ${deadlineMs / 1_000} s`));
      else reject(thrown);
    };
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = {
      method,
      headers: { ...headers, ...length },
      agent: false,
      signal: AbortSignal.any([signal, deadline]),
      ...tls,
    };
    const sent = open(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes)
          sent.destroy(new Error(`${url.origin}: an answer of more than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      answer.once('error', fail);
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.once('error', fail);
    sent.end(body);
  });
}
