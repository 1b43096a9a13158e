import type { Coordination } from '../coordination/contract.ts';
import { projectFolder, type RunningProcess, startProcess } from '../e2e/kit/processes.ts';

const spec = {
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
  destination: { dataSource: 'warehouse', table: 'public.orders' },
  mode: 'Id',
  schedule: { every: '10s' },
};
const common = { namespace: 'team-a', generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };

/** Two DataSources and the Syncs `sync-FROM` up to before `sync-TO`, which no agent runs. */
export async function fillSyncs(one: Coordination, from: number, to: number): Promise<void> {
  for (const name of ['shop', 'warehouse'])
    await one.desired.putDataSource({
      ...common,
      uid: name,
      name,
      spec: { postgres: { host: 'h', database: 'd', user: 'u' } },
    });
  for (let start = from; start < to; start += 200)
    await Promise.all(
      Array.from({ length: Math.min(200, to - start) }, (_, index) =>
        one.desired.putSync({ ...common, uid: `s${start + index}`, name: `sync-${start + index}`, spec }),
      ),
    );
}

export interface Bare {
  readonly url: string;
  readonly running: RunningProcess;
}

/** A bare fastify route with answers of this size, in a process of its own. */
export async function bareRoute(bytes: number): Promise<Bare> {
  return await fastify(`
    const text = JSON.stringify({ items: 'x'.repeat(${bytes}) });
    app.get('/*', async (request, reply) => reply.type('application/json').send(text));`);
}

/** A page whose only script has this size as it is sent, and does nothing but set the title. */
export async function barePage(bytes: number): Promise<Bare> {
  return await fastify(`
    const { randomBytes } = await import('node:crypto');
    // Random text cannot be compressed, and is not.
    const script = 'document.title = "done";/*' + randomBytes(${bytes}).toString('base64').slice(0, ${bytes}) + '*/';
    const page = '<!doctype html><title>bare</title><script src="/script.js"></script>';
    app.get('/', async (request, reply) => reply.type('text/html').send(page));
    app.get('/script.js', async (request, reply) => reply.type('text/javascript').send(script));`);
}

async function fastify(routes: string): Promise<Bare> {
  const code = `
    import Fastify from 'fastify';
    const app = Fastify();
    ${routes}
    console.log(await app.listen({ port: 0, host: '127.0.0.1' }));`;
  const running = await startProcess(process.execPath, ['--input-type=module', '-e', code], {
    cwd: projectFolder,
  });
  return { url: (await running.waitForLine(/^http/)).trim(), running };
}
