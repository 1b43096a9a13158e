import type { Document, MongoClient } from 'mongodb';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import { type FaultProxy, faultProxy } from '../../e2e/kit/proxy.ts';
import { type MongodbServer, mongodb, mongodbMemory } from '../../e2e/kit/servers.ts';
import { type Flow, type FlowOptions, openFlow } from '../sql/test-flow.ts';
import { connector } from './connector.ts';

export const signal: AbortSignal = new AbortController().signal;

/** Each with its name for tests: with transactions, and with change streams. */
export const servers = [
  ['MongoDB with transactions', mongodb],
  ['MongoDB in memory', mongodbMemory],
] as const;

/** An empty database, whose connections from the connector go through a proxy. */
export class TestDatabase {
  readonly name: string;
  readonly server: MongodbServer;
  readonly proxy: FaultProxy;

  private constructor(server: MongodbServer, proxy: FaultProxy) {
    this.server = server;
    this.proxy = proxy;
    this.name = server.createDatabase();
  }

  static async create(start: () => Promise<MongodbServer>): Promise<TestDatabase> {
    const server = await start();
    return new TestDatabase(server, await faultProxy(server.host, server.port));
  }

  get access(): SystemAccess {
    return accessTo(this.server, this.name, this.proxy.port);
  }

  get client(): MongoClient {
    return this.server.client;
  }

  collection(name: string) {
    return this.client.db(this.name).collection<Document & { _id: unknown }>(name);
  }

  /** Returns the name of the collection. */
  async filled(name: string, documents: readonly Document[]): Promise<string> {
    await this.collection(name).insertMany(documents as never, { ordered: true });
    return name;
  }

  command(command: Document): Promise<Document> {
    return this.client.db(this.name).command(command);
  }

  async names(): Promise<readonly string[]> {
    const found = await this.client.db(this.name).listCollections({}, { nameOnly: true }).toArray();
    return found.map(({ name }) => name).toSorted();
  }

  async flow(options: FlowOptions): Promise<Flow> {
    const fields = { source: 'collection', destination: 'collection' } as const;
    return await openFlow({ connector, fields, source: this.access, destination: this.access }, options);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.proxy.stop();
  }
}

export function accessTo({ user, password }: MongodbServer, database: string, port: number): SystemAccess {
  return {
    dataSource: 'test/mongodb',
    config: {
      hosts: [`127.0.0.1:${port}`],
      database,
      tls: { mode: 'Disable' },
      ...(user !== undefined && { user }),
    },
    secret: (path) => (path === 'password' && password !== undefined ? new Secret(password) : undefined),
  };
}
