import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { MongoClient } from 'mongodb';
import { freePort } from '../free-port.ts';
import { projectFolder, runOrFail, startProcess } from '../processes.ts';
import { findServer, inMaven, type Place } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface MongodbOptions {
  /** A server for this test only, which may be killed. */
  readonly own?: boolean;
}

export interface MongodbServer {
  readonly host: string;
  readonly port: number;
  /** Undefined for a server without users. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly adminUrl: string;
  /** With every right. */
  readonly client: MongoClient;
  /** A name that no other database has; it is dropped by `stop`. */
  createDatabase(): string;
  /** The process, if this test owns it. */
  readonly process: ServerProcess | undefined;
  stop(): Promise<void>;
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>idra.test</groupId><artifactId>mongodb</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server-memory-backend</artifactId><version>1.47.0</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
</dependencies></project>`;

/** A server that somebody has put on this machine for tests: a program that is given a folder for its data and a port. */
function inLocalServers(server: string): Place {
  const folder = process.env.IDRA_TEST_SERVERS ?? join(homedir(), '.cache/idra-test-servers');
  const bin = join(folder, server, 'bin');
  return { what: `${bin}/start`, find: async () => (existsSync(join(bin, 'start')) ? bin : undefined) };
}

const shared = new Map<string, Promise<string>>();

/** A MongoDB with transactions: shared by all test files, unless a test needs its own. */
export async function mongodb(options: MongodbOptions = {}): Promise<MongodbServer> {
  return await given('IDRA_TEST_MONGODB_URL', options, startWithTransactions);
}

/** A server in memory, without users and transactions, but with change streams (mongodb-memory.java). */
export async function mongodbMemory(options: MongodbOptions = {}): Promise<MongodbServer> {
  return await given('IDRA_TEST_MONGODB_MEMORY_URL', options, startInMemory);
}

async function given(
  variable: string,
  { own }: MongodbOptions,
  start: () => Promise<MongodbServer>,
): Promise<MongodbServer> {
  if (own) return await start();
  const url =
    shared.get(variable) ?? Promise.resolve(process.env[variable] ?? start().then((each) => each.adminUrl));
  shared.set(variable, url);
  return describe(new URL(await url));
}

async function startWithTransactions(): Promise<MongodbServer> {
  const bin = await findServer('mongodb', [inLocalServers('mongodb')]);
  const folder = await dataFolder('mongodb');
  const url = new URL('mongodb://idra_admin@127.0.0.1/');
  url.password = randomBytes(12).toString('hex');
  url.port = String(await freePort());
  url.searchParams.set('directConnection', 'true');
  const env = { MONGO_INITDB_ROOT_USERNAME: url.username, MONGO_INITDB_ROOT_PASSWORD: url.password };
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'start'), [join(folder, 'data'), url.port], { env, cwd: folder }),
    answers: () => ping(url),
  });
  return describe(url, server);
}

async function startInMemory(): Promise<MongodbServer> {
  const lib = await findServer('mongodb_memory', [inMaven('mongodb-memory-1.47.0', pom)]);
  const classes = await compiled(lib);
  const folder = await dataFolder('mongodb-memory');
  const url = new URL('mongodb://127.0.0.1/');
  url.port = String(await freePort());
  const args = [
    '-Xmx768m',
    '-XX:TieredStopAtLevel=1',
    // For $sample it sorts with a comparison that is random, which the newer sort of Java refuses now and then.
    '-Djava.util.Arrays.useLegacyMergeSort=true',
    '-cp',
    `${classes}:${lib}/*`,
    'MemoryServer',
    url.port,
  ];
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess('java', args, { name: 'mongodb-memory', cwd: folder }),
    answers: () => ping(url),
  });
  return describe(url, server);
}

/** The classes of this source; compiled once on this machine. */
async function compiled(lib: string): Promise<string> {
  const source = join(projectFolder, 'e2e/kit/servers/mongodb-memory.java');
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 16);
  const classes = join(dirname(lib), 'mongodb-memory-classes', hash);
  if (existsSync(classes)) return classes;
  const own = `${classes}-${process.pid}`;
  await mkdir(own, { recursive: true });
  await runOrFail('javac', ['-cp', `${lib}/*`, '-d', own, source]);
  // Another process may have been faster.
  await rename(own, classes).catch(() => rm(own, { recursive: true }));
  return classes;
}

async function ping(url: URL): Promise<void> {
  const client = new MongoClient(url.href, { serverSelectionTimeoutMS: 1_000 });
  try {
    await client.db('admin').command({ ping: 1 });
  } finally {
    await client.close();
  }
}

function describe(url: URL, server?: ServerProcess): MongodbServer {
  const client = new MongoClient(url.href, { serverMonitoringMode: 'poll', maxPoolSize: 10 });
  const made: string[] = [];
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    adminUrl: url.href,
    client,
    process: server,
    createDatabase() {
      const name = `t_${randomBytes(5).toString('hex')}`;
      made.push(name);
      return name;
    },
    async stop() {
      if (!server) for (const name of made.splice(0)) await client.db(name).dropDatabase();
      await client.close(true);
      await server?.stop();
    },
  };
}
