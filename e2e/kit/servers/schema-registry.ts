import { globSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { startProcess } from '../processes.ts';
import { removeFolder } from '../temp.ts';
import { findServer, inMavenArchive } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface SchemaRegistry {
  readonly url: string;
  /** Calls the API of Confluent's registry, which others have, too. */
  call(method: string, path: string, body?: object): Promise<unknown>;
  stop(): Promise<void>;
}

const artifact = 'io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all';

/** A new, empty registry (Apicurio) that keeps its schemas in memory. */
export async function schemaRegistry(): Promise<SchemaRegistry> {
  const bin = await findServer('schemaregistry', [inMavenArchive('apicurio-registry-3.0.9', artifact)]);
  const [jar] = globSync(join(bin, '*-runner.jar'));
  const folder = await dataFolder('schema-registry');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  const settings = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
  const process = await ServerProcess.start({
    folder,
    start: () =>
      startProcess('java', ['-Xmx384m', '-XX:+UseSerialGC', ...settings, '-jar', jar ?? ''], {
        name: 'schema registry',
        cwd: folder,
      }),
    answers: () => call('GET', '/subjects'),
  });
  await call('PUT', '/config', { compatibility: 'BACKWARD' });
  return {
    url,
    call,
    async stop() {
      await process.stop();
      await removeFolder(folder);
    },
  };
}
