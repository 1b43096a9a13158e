import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import got from 'got';
import { HttpDestination } from '../connectors/http/destination/destination.ts';
import { access, openList, signal } from '../connectors/http/test-harness.ts';
import { types } from '../connectors/http/types/types.ts';
import type { Rows } from '../core/batch.ts';
import { planColumns } from '../core/column-plan.ts';
import type { WritePlan } from '../core/connector.ts';
import { columnOf } from '../core/records/columns.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { anyDataSource, syncManifest } from '../e2e/kit/single-mode.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { type Cost, compare, cost, judgeMemory, orderColumns, orderOf } from './_orders.ts';
import { timed } from './_postgres.ts';

/**
 * Reading a list of an API in pages of 1,000, and sending rows in calls of 1,000, compared with a bare loop of the client (got) with
 * JSON.parse and JSON.stringify: by time, and by CPU of this process. Then the memory of a process that does both.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    pairs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const rowsPerCall = 1_000;
const rowsPerBatch = 50_000;

const server = fork(join(projectFolder, 'bench/_items-server.ts'));
const [port] = await once(server, 'message');
const url = `http://127.0.0.1:${port}`;
const paging = { cursorPath: 'next', cursorParam: 'cursor' };
const list = (count: number) => ({
  ...{ path: `/items?rows=${count}`, itemsPath: 'data', paging, key: ['id'] },
  columns: orderColumns,
});
const target = { path: '/items', bodyTemplate: '{{ rows }}', rowsPerCall };

try {
  const runs = (part: string) => values.only === undefined || values.only === part;
  // The driver's loop neither keeps digits nor identifies items, and answers of a real API take far longer than both.
  const size = { rows, pairs, isReported: true } as const;
  if (runs('read')) await compare('read pages', size, readByDriver, readByIdra);
  if (runs('write')) await compare('send rows', size, writeByDriver, writeByIdra);
  if (runs('memory')) await judgeMemory('API to API', rows, 250, peakOf);
} finally {
  server.disconnect();
}

interface Page {
  readonly data: readonly object[];
  readonly next: number | null;
}

async function readByDriver(): Promise<Cost> {
  const agent = { http: new Agent({ keepAlive: true }) };
  let seen = 0;
  const used = await cost(async () => {
    for (let cursor: number | null = 0; cursor !== null; ) {
      const page: Page = await got(`${url}/items?rows=${rows}&cursor=${cursor}`, { agent }).json();
      seen += page.data.length;
      cursor = page.next;
    }
  });
  agent.http.destroy();
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  return used;
}

async function readByIdra(): Promise<Cost> {
  const { source, read } = await openList(url, { ...list(rows), maxRows: rowsPerBatch });
  let seen = 0;
  const used = await cost(async () => {
    for await (const batch of read()) seen += batch.rowCount;
  });
  await source.close();
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  return used;
}

async function writeByDriver(): Promise<Cost> {
  const agent = { http: new Agent({ keepAlive: true }) };
  const used = await cost(async () => {
    for (let from = 0; from < rows; from += rowsPerCall) {
      const items = Array.from({ length: Math.min(rowsPerCall, rows - from) }, (_, index) => {
        const [id, customer, status, amount, note] = orderOf(from + index);
        return { id: Number(id), customer, status, amount: Number(amount), note };
      });
      const body = JSON.stringify(items);
      await got.post(`${url}/items`, { agent, body, headers: { 'content-type': 'application/json' } });
    }
  });
  agent.http.destroy();
  return used;
}

async function writeByIdra(): Promise<Cost> {
  const destination = new HttpDestination(access(url), { existingRows: 'Keep', ...target });
  const plan: WritePlan = {
    ...{ uid: 'u', writeMode: 'Append', existing: await destination.describe(signal), key: [] },
    ...{ onError: 'Stop', deletes: 'Ignore', redactsKeys: false, hasUniqueKey: false },
    columns: planColumns({
      source: { name: 't', columns: orderColumns.map(columnOf), keys: [] },
      ...{ existing: null, types, isSameSystem: false, key: [], schemaChanges: 'Fail' },
      ...{ paths: { source: 's', destination: 'd' }, columnsField: 'c' },
    }),
  };
  await destination.prepare({ plan });
  const used = await cost(async () => {
    for (let from = 0; from < rows; from += rowsPerBatch) {
      const rowCount = Math.min(rowsPerBatch, rows - from);
      const some = Array.from({ length: rowCount }, (_, index) => orderOf(from + index));
      const offset = { mode: 'Id', id: String(from) } as const;
      const packed: Rows = { format: 'values', rows: some };
      const batch = { rows: packed, rowCount, byteCount: rowCount * 100, offset };
      await destination.write(batch, signal, String(from));
    }
  });
  await destination.close();
  return used;
}

/** VmHWM of `bin/idra run --once`. */
async function peakOf(count: number): Promise<number> {
  const folder = await tempFolder('http-bench');
  const file = join(folder, 'sync.yaml');
  const spec = {
    source: { dataSource: 'api', ...list(count) },
    destination: { dataSource: 'api', ...target },
    ...{ mode: 'Snapshot', writeMode: 'Append', schedule: { once: true } },
  };
  const api = anyDataSource('api', { http: { url, allowPrivateAddresses: true } });
  await writeFile(file, api + syncManifest('copy', spec));
  const args = ['run', '-f', file, '--once', '--state', join(folder, 'state.db')];
  const { peakBytes } = await timed(`${projectFolder}/bin/idra`, args);
  await removeFolder(folder);
  return peakBytes;
}
