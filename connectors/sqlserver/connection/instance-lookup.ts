import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { type IdraError, transient } from '../../../core/errors.ts';

/** The request of the protocol of SQL Server Browser for one instance, and the first byte of its answer. */
const askForInstance = 0x04;
const answerMark = 0x05;
const browserPort = 1_434;
const retryMs = 1_000;
/** An answer has an entry of at most some hundred bytes for each protocol of the instance. */
const maxAnswerBytes = 4_096;

/**
 * The TCP port of a named instance, from the SQL Server Browser of its host. The answer is not authenticated: it decides only which port
 * of the same host is used, and TLS verifies who listens there.
 */
export async function lookUpInstance(
  { host, instance, where }: { readonly host: string; readonly instance: string; readonly where: string },
  signal: AbortSignal,
  port: number = browserPort,
): Promise<number> {
  signal.throwIfAborted();
  const { address } = await lookup(host);
  signal.throwIfAborted();
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const request = Buffer.concat([
    Buffer.from([askForInstance]),
    Buffer.from(instance, 'latin1'),
    Buffer.of(0),
  ]);
  const send = () => socket.send(request, port, address, (error) => error && reject(error));
  const onAbort = () => reject(notFound(where, instance));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('error', reject);
  socket.on('message', (answer, from) => {
    if (from.address !== address) return;
    const found = portIn(answer, instance);
    if (found !== undefined) resolve(found);
  });
  send();
  const timer = setInterval(send, retryMs);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', onAbort);
    socket.close();
  }
}

/** The answer is `ServerName;X;InstanceName;Y;...;tcp;1433;;` after three bytes. Undefined if it is no answer to this request. */
export function portIn(answer: Buffer, instance: string): number | undefined {
  if (answer[0] !== answerMark || answer.length > maxAnswerBytes) return undefined;
  const parts = answer.subarray(3).toString('latin1').split(';');
  const after = (name: string) => parts[parts.findIndex((part) => part.toLowerCase() === name) + 1];
  if (after('instancename')?.toLowerCase() !== instance.toLowerCase()) return undefined;
  const text = after('tcp') ?? '';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}

function notFound(where: string, instance: string): IdraError {
  return transient(
    'HostUnreachable',
    `${where}: the SQL Server Browser service does not name a TCP port of instance ${instance}`,
    {
      path: 'spec.sqlserver.instance',
      fix: 'check the name of the instance, and that the service runs and UDP port 1434 is open; or omit instance and set port to that of the instance',
    },
  );
}
