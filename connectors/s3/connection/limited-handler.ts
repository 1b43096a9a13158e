import { type Readable, Transform } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { answerMemory } from '../../../core/answer-memory.ts';
import { transient } from '../../../core/errors.ts';

export interface AnswerOwner {
  /** Of the DataSource. */
  readonly namespace: string;
  readonly where: string;
}

/** A list of 1,000 keys of 1,024 bytes, each escaped in XML, is smaller. */
const maxAnswerBytes = 16 * 1_024 ** 2;

type Handle = NodeHttpHandler['handle'];

/**
 * Limits what the driver reads as a whole: lists, errors, and other answers. The content of an object is not limited here, since it is read
 * as a stream, if the request was for one and the server has accepted it.
 */
export class LimitedHandler {
  readonly metadata: NodeHttpHandler['metadata'];
  readonly #inner: NodeHttpHandler;
  readonly #owner: AnswerOwner;

  constructor(inner: NodeHttpHandler, owner: AnswerOwner) {
    this.#inner = inner;
    this.#owner = owner;
    this.metadata = inner.metadata;
  }

  async handle(request: Parameters<Handle>[0], options?: Parameters<Handle>[1]): ReturnType<Handle> {
    const { response } = await this.#inner.handle(request, options);
    const isContent = request.query['x-id'] === 'GetObject' && response.statusCode < 300;
    if (!isContent) response.body = this.#limited(response.body);
    return { response };
  }

  destroy(): void {
    this.#inner.destroy();
  }

  updateHttpClientConfig(...args: Parameters<NodeHttpHandler['updateHttpClientConfig']>): void {
    this.#inner.updateHttpClientConfig(...args);
  }

  httpHandlerConfigs(): ReturnType<NodeHttpHandler['httpHandlerConfigs']> {
    return this.#inner.httpHandlerConfigs();
  }

  #limited(body: Readable): Readable {
    const { where, namespace } = this.#owner;
    let bytes = 0;
    const limited = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) return done(tooLarge(where));
        try {
          share.hold(bytes);
        } catch (error) {
          return done(error as Error);
        }
        done(null, chunk);
      },
    });
    const share = answerMemory.shareOf({ namespace, where, end: (error) => limited.destroy(error) });
    body.once('error', (error) => limited.destroy(error));
    limited.once('close', () => {
      share.release();
      body.destroy();
    });
    return body.pipe(limited);
  }
}

function tooLarge(where: string): Error {
  return transient(
    'AnswersTooLarge',
    `${where}: the server sends an answer of more than 16 MiB to a request that needs none`,
    {
      fix: 'check that endpoint is a server of S3',
    },
  );
}
