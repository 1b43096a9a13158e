import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { openList } from '../../connectors/http/test-harness.ts';
import { systemClock } from '../../core/clock.ts';
import { IdraError } from '../../core/errors.ts';
import { randomFrom } from '../kit/random.ts';
import type { DamagedProgress, DamagedTask } from './messages.ts';
import { damaged } from './mutate.ts';

/** An API whose list has three pages, of which one answer is damaged: its JSON, or its bytes after compression. */
const pages = 3;
const itemsPerPage = 4;

function pageOf(number: number): Buffer {
  const items = Array.from({ length: itemsPerPage }, (_, index) => {
    const id = number * itemsPerPage + index;
    return {
      id,
      body: `row ${id} ä`,
      price: `${id}.50`,
      at: '2026-11-27T08:00:00.125Z',
      more: { a: [id, null] },
    };
  });
  const next = number + 1 < pages ? `page ${number + 1}` : null;
  return Buffer.from(JSON.stringify({ ok: true, data: { items, next } }));
}

class DamagedApi {
  readonly #random: () => number;
  /** The request of this pass whose answer is damaged, and how many there were. */
  #damagedRequest = -1;
  #requests = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://api');
      const number = Number(/^page (\d+)$/.exec(url.searchParams.get('cursor') ?? 'page 0')?.[1]);
      if (number < pages) this.#answer(number, response);
      else response.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    server.unref();
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  nextPass(): void {
    this.#requests = 0;
    this.#damagedRequest = Math.floor(this.#random() * pages);
  }

  #answer(number: number, response: ServerResponse): void {
    const isDamaged = this.#requests++ === this.#damagedRequest;
    const isPacked = this.#random() < 0.3;
    const page = pageOf(number);
    const damage = (bytes: Buffer) => (isDamaged ? damaged(bytes, this.#random) : bytes);
    const body = isPacked ? damage(gzipSync(page)) : damage(page);
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(isPacked && { 'content-encoding': 'gzip' }),
      // Otherwise in chunks.
      ...(this.#random() < 0.5 && { 'content-length': String(body.length) }),
    });
    const middle = Math.floor(this.#random() * body.length);
    response.write(body.subarray(0, middle));
    response.end(body.subarray(middle));
  }
}

const columns = [
  ...['id int64', 'body text', 'price decimal(12,2)', 'at timestamp with time zone', 'more json'],
].map((field) => {
  const [, name = '', type = ''] = /^(\w+) (.*)$/.exec(field) ?? [];
  return { name, path: name, type, nullable: name !== 'id' };
});

async function main({ count, seed }: DamagedTask): Promise<void> {
  const random = randomFrom(seed);
  const api = new DamagedApi(random);
  const total = { done: 0, rows: 0, deletions: 0, misfits: 0, errors: 0, mostBytes: 0 };
  const { read, source } = await openList(await api.start(), {
    ...{ path: '/list', itemsPath: 'data.items', paging: { cursorPath: 'data.next', cursorParam: 'cursor' } },
    columns,
    // Retries follow at once.
    session: {
      clock: { ...systemClock, sleep: (ms, stop) => systemClock.sleep(ms < 10_000 ? 0 : ms, stop) },
    },
  });
  const pass = async () => {
    for await (const { rowCount, misfits } of read()) {
      total.rows += rowCount;
      total.misfits += misfits?.count ?? 0;
      for (const { row = '' } of misfits?.rejections ?? [])
        if (!/^number \d+$/.test(row)) throw new Error(`a misfit without a position: ${row}`);
    }
  };
  for (; total.done < count; total.done++) {
    api.nextPass();
    await pass().catch((thrown: unknown) => {
      if (!(thrown instanceof IdraError) || thrown.disposition === 'bug') throw thrown;
      total.errors += 1;
    });
    const { external, arrayBuffers } = process.memoryUsage();
    total.mostBytes = Math.max(total.mostBytes, external + arrayBuffers);
    if (total.done % 50 === 0) parentPort?.postMessage({ ...total, isOver: false } satisfies DamagedProgress);
  }
  await source.close();
  parentPort?.postMessage({ ...total, isOver: true } satisfies DamagedProgress);
}

await main(workerData as DamagedTask);
