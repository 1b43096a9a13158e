import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { freePort } from '../free-port.ts';
import { runOrFail, startProcess } from '../processes.ts';
import { removeFolder } from '../temp.ts';
import { findServer, inMaven, inVariable } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface KafkaOptions {
  /** Three replicate every topic; each also votes. Default: one. */
  readonly brokers?: 1 | 3;
  /** `mutual`: clients need a certificate of the authority. */
  readonly tls?: boolean | 'mutual';
  /** Clients log in: as `admin` with every right, or as a user of `users`. */
  readonly sasl?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  /** Users by name, with their passwords, for PLAIN and SCRAM. They have no rights but those given by `grant`. */
  readonly users?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface KafkaServer {
  /** `127.0.0.1:PORT` of each broker. */
  readonly brokers: readonly string[];
  readonly processes: readonly ServerProcess[];
  readonly certificates?: Certificates;
  /** Of the user `admin`. */
  readonly password: string;
  /** Runs kafka-acls with these arguments as an administrator. */
  acls(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const version = '4.1.1';
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>idra.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
</dependencies></project>`;

/** Small, and ready at once: one node of a test needs no fifty partitions of offsets. */
const smallSettings: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'delete.topic.enable': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  // Tests write messages of any time.
  'log.retention.ms': '-1',
  'log.retention.check.interval.ms': '500',
  'log.initial.task.delay.ms': '500',
  'controlled.shutdown.enable': 'false',
  'num.network.threads': '2',
  'num.io.threads': '4',
};

interface BrokerPlan {
  readonly id: number;
  readonly client: number;
  /** Without TLS and login, for brokers and administrators. */
  readonly internal: number;
  readonly controller: number;
}

/** A new Kafka in KRaft mode. */
export async function kafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const lib = await findServer('kafka', [
    inVariable('IDRA_TEST_KAFKA_LIB', []),
    inMaven(`kafka-${version}`, pom),
  ]);
  const folder = await dataFolder('kafka');
  const certificates = options.tls ? await makeCertificates(join(folder, 'tls')) : undefined;
  const password = randomBytes(12).toString('hex');
  const plans: BrokerPlan[] = [];
  for (let id = 1; id <= (options.brokers ?? 1); id++)
    plans.push({ id, client: await freePort(), internal: await freePort(), controller: await freePort() });
  const given = { folder, certificates, users: { admin: password, ...options.users }, options };
  const clusterId = randomBytes(16).toString('base64url');
  const processes = await Promise.all(plans.map((plan) => startBroker(lib, clusterId, plan, plans, given)));
  return {
    brokers: plans.map(({ client }) => `127.0.0.1:${client}`),
    processes,
    password,
    ...(certificates && { certificates }),
    acls: (...args) => {
      const server = `127.0.0.1:${plans[0]?.internal}`;
      const command = ['org.apache.kafka.tools.AclCommand', '--bootstrap-server', server, ...args];
      return runOrFail('java', [...javaArgs(lib), ...command]);
    },
    async stop() {
      await Promise.all(processes.map((each) => each.stop()));
      await removeFolder(folder);
    },
  };
}

interface Given {
  readonly folder: string;
  readonly certificates: Certificates | undefined;
  readonly users: Readonly<Record<string, string>>;
  readonly options: KafkaOptions;
}

function javaArgs(lib: string): string[] {
  return ['-Xmx512m', '-XX:+UseSerialGC', '-cp', `${lib}/*`];
}

async function startBroker(
  lib: string,
  clusterId: string,
  plan: BrokerPlan,
  plans: readonly BrokerPlan[],
  given: Given,
): Promise<ServerProcess> {
  const folder = join(given.folder, `broker-${plan.id}`);
  const file = join(given.folder, `broker-${plan.id}.properties`);
  const settings = await settingsOf(plan, plans, folder, given);
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const scram = given.options.sasl?.startsWith('SCRAM') ? Object.entries(given.users) : [];
  const format = [
    ...['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', file],
    ...scram.flatMap(([user, password]) => [
      '--add-scram',
      `${given.options.sasl}=[name=${user},password=${password}]`,
    ]),
  ];
  await runOrFail('java', [...javaArgs(lib), ...format]);
  return await ServerProcess.start({
    folder,
    start: () =>
      startProcess('java', [...javaArgs(lib), 'kafka.Kafka', file], {
        name: `kafka ${plan.id}`,
        cwd: folder,
      }),
    answers: () => answers(plan.internal),
  });
}

async function settingsOf(
  { id, client, internal, controller }: BrokerPlan,
  plans: readonly BrokerPlan[],
  folder: string,
  { certificates, users, options }: Given,
): Promise<Record<string, string>> {
  const { sasl, tls } = options;
  const protocol = `${sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`;
  const replicas = String(plans.length);
  const inSync = plans.length === 3 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': plans.map((each) => `${each.id}@127.0.0.1:${each.controller}`).join(),
    listeners: `CLIENT://127.0.0.1:${client},INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${client},INTERNAL://127.0.0.1:${internal}`,
    'listener.security.protocol.map': `CLIENT:${protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'log.dirs': folder,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    ...smallSettings,
    ...(sasl && saslSettings(sasl, users)),
    ...(certificates && (await tlsSettings(certificates, tls === 'mutual'))),
    ...(options.users && {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:admin',
    }),
    ...options.settings,
  };
}

function saslSettings(
  mechanism: NonNullable<KafkaOptions['sasl']>,
  users: Readonly<Record<string, string>>,
): Record<string, string> {
  const prefix = `listener.name.client.${mechanism.toLowerCase()}.sasl.jaas.config`;
  const security = 'org.apache.kafka.common.security';
  const plain = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`);
  const config = {
    PLAIN: `${security}.plain.PlainLoginModule required ${plain.join(' ')};`,
    'SCRAM-SHA-256': `${security}.scram.ScramLoginModule required;`,
    'SCRAM-SHA-512': `${security}.scram.ScramLoginModule required;`,
    // Accepts tokens that are not signed: the test's own endpoint issues them.
    OAUTHBEARER: `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="admin";`,
  }[mechanism];
  return { 'sasl.enabled.mechanisms': mechanism, [prefix]: config };
}

async function tlsSettings(files: Certificates, isMutual: boolean): Promise<Record<string, string>> {
  const pem = join(files.keyFile, '../server.pem');
  await writeFile(pem, `${await readFile(files.keyFile, 'utf8')}${await readFile(files.certFile, 'utf8')}`);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': pem,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': files.caFile,
    'ssl.client.auth': isMutual ? 'required' : 'none',
  };
}

/** It opens its listeners when it has joined its cluster and can serve. */
function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      // ApiVersions, version 0, without a client id.
      socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
    });
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer')));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    socket.once('end', () => reject(new Error('closed')));
  });
}
