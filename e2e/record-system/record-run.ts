import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RunContext } from '../../agent/engine/context.ts';
import { type Preview, previewSync } from '../../agent/engine/preview.ts';
import { definitionOf, definitions } from '../../connectors/catalog.ts';
import type { Definition } from '../../core/definition.ts';
import { makeManifestReader } from '../../core/manifest/reader.ts';
import type { SyncStatus } from '../../core/status.ts';
import { EngineRun, noSecrets } from '../kit/engine-run.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';
import { Collection } from './collection.ts';
import { definition as records } from './definition.ts';

const manifests = makeManifestReader([records, ...definitions]);
const signal = new AbortController().signal;

type Spec = Readonly<Record<string, unknown>>;

/** A collection, and Syncs of it to a SQLite file or another collection, run by the engine in this process. */
export class RecordRuns {
  readonly folder: string;
  readonly collection: Collection;
  readonly #running = new Set<EngineRun>();

  static async open(): Promise<RecordRuns> {
    return new RecordRuns(await tempFolder('records'));
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.collection = this.other('orders');
    this.collection.create();
    new Database(join(folder, 'destination.db')).close();
  }

  other(name: string): Collection {
    return new Collection(join(this.folder, 'records'), name);
  }

  /** One transaction for each document; null deletes it. */
  put(documents: Readonly<Record<number, object | null>>): void {
    for (const [id, document] of Object.entries(documents))
      this.collection.apply([
        { id: Number(id), document: document && JSON.stringify({ _id: Number(id), ...document }) },
      ]);
  }

  start(spec: Spec, once = false): EngineRun {
    const setting = {
      folder: this.folder,
      spec,
      definitionOf: definitionFor,
      objects: (uid: string) => this.#objects(spec, uid),
    };
    const run = new EngineRun(setting, once ? { retryForMs: 1_000 } : undefined);
    this.#running.add(run);
    void run.end.finally(() => this.#running.delete(run));
    return run;
  }

  /** One pass in its own run. */
  async once(spec: Spec): Promise<SyncStatus> {
    const run = this.start(spec, true);
    await run.end;
    if (!run.status) throw new Error('the run reported nothing');
    return run.status;
  }

  async preview(spec: Spec, storedOffset: string | null = null): Promise<Preview> {
    const input: Pick<RunContext, 'secrets' | 'definitionOf'> = {
      secrets: noSecrets,
      definitionOf: definitionFor,
    };
    return await previewSync({ ...input, ...this.#objects(spec, 'other'), storedOffset }, signal);
  }

  query(sql: string): unknown[][] {
    const database = new Database(join(this.folder, 'destination.db'));
    try {
      return database.prepare(sql).raw().all() as unknown[][];
    } finally {
      database.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((run) => run.stop()));
    await removeFolder(this.folder);
  }

  #objects(spec: Spec, uid: string) {
    const identity = { namespace: 'default', generation: 1 };
    const dataSource = (name: string, of: Spec) =>
      manifests.readDataSource({ ...identity, uid: name, name, spec: of });
    const system = { records: { folder: join(this.folder, 'records') } };
    const { destination } = spec as { readonly destination: { readonly dataSource: string } };
    const file = { sqlite: { path: join(this.folder, 'destination.db') } };
    return {
      sync: manifests.readSync({ ...identity, uid, name: 's', spec }),
      source: dataSource('source', system),
      destination: dataSource(destination.dataSource, destination.dataSource === 'records' ? system : file),
    };
  }
}

function definitionFor(type: string): Definition {
  return type === 'records' ? records : definitionOf(type);
}

export const stream: Spec = {
  source: { dataSource: 'source', collection: 'orders' },
  destination: { dataSource: 'destination', table: 'orders' },
  mode: 'Stream',
  schedule: { continuous: true },
};
