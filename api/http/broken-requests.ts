import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { permanent } from '../../core/errors.ts';
import { problemOf } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

const answers = new Map<unknown, readonly [string, string]>([
  ['HPE_HEADER_OVERFLOW', ['431 Request Header Fields Too Large', 'the headers have more than 16 KiB']],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['408 Request Timeout', 'the request did not arrive in time']],
]);

/** A problem, and the headers of every other answer, to what is not even a request. */
export function answerBrokenRequest(
  { code }: { readonly code?: unknown },
  socket: Duplex,
  isSecure: boolean,
): void {
  // The client has gone, or an answer is on its way.
  if (code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const [line, message] = answers.get(code) ?? ['400 Bad Request', 'the request is not valid HTTP'];
  const problem = problemOf(permanent('RequestMalformed', message), randomUUID());
  const text = JSON.stringify({ ...problem, status: Number.parseInt(line, 10) });
  const headers = {
    ...securityHeaders(undefined, isSecure),
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${line}\r\n${head.join('')}\r\n${text}`);
}
