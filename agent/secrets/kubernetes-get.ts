import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { transient } from '../../core/errors.ts';
import type { Semaphore } from '../../core/semaphore.ts';
import type { ClusterAccess, Credentials } from '../../process/kubernetes-access.ts';

const timeoutMs = 10_000;
const maxBytes = 4 << 20;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Reads one object of the Kubernetes API. Throws SecretUnavailable (transient) if there is no answer. */
export async function getObject(
  access: ClusterAccess,
  path: readonly string[],
  slots: Semaphore,
): Promise<Answer> {
  return await slots.use(undefined, async () => {
    const first = await tryGet(access, path, false);
    // The token may just have been renewed.
    return first.status === 401 ? await tryGet(access, path, true) : first;
  });
}

async function tryGet(access: ClusterAccess, path: readonly string[], isRefused: boolean): Promise<Answer> {
  const base = access.server.pathname.replace(/\/$/, '');
  const url = new URL(`${base}/${path.map(encodeURIComponent).join('/')}`, access.server);
  try {
    return await get(url, await access.credentials(isRefused));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw transient('SecretUnavailable', `the Kubernetes API does not answer: ${code ?? message}`, {
      cause: error,
    });
  }
}

/** Uses a connection of its own: Secrets are read rarely. */
function get(url: URL, { headers, tls, agent }: Credentials): Promise<Answer> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const options: RequestOptions = {
    ...tls,
    headers: { ...headers, accept: 'application/json', 'user-agent': 'idra-agent' },
    signal: AbortSignal.timeout(timeoutMs),
    agent: agent ?? false,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxBytes) response.destroy(new Error('the response is too large'));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}
