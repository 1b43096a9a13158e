import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderOf } from './_orders.ts';

/** An API in a process of its own, so that its CPU is not that of its client: `GET /items?rows=N&cursor=C` lists items, POST takes any. */
const pageRows = 1_000;

function pageOf(from: number, rows: number): string {
  const count = Math.min(pageRows, rows - from);
  const items = Array.from({ length: count }, (_, index) => {
    const [id, customer, status, amount, note] = orderOf(from + index);
    return `{"id":${id},"customer":${customer},"status":"${status}","amount":${amount},"note":"${note}"}`;
  });
  const next = from + count < rows ? from + count : null;
  return `{"data":[${items.join(',')}],"next":${next}}`;
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://api');
  response.setHeader('content-type', 'application/json');
  if (request.method === 'GET') {
    response.end(pageOf(Number(url.searchParams.get('cursor') ?? 0), Number(url.searchParams.get('rows'))));
    return;
  }
  request.on('end', () => response.end('{}'));
  request.resume();
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.((server.address() as AddressInfo).port);
process.on('disconnect', () => process.exit());
