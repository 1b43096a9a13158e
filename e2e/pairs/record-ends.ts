import { TestClient } from '../../connectors/kafka/test-harness.ts';
import { TestBucket } from '../../connectors/s3/test-harness.ts';
import { ApiServer } from '../kit/api/api-server.ts';
import { type KafkaServer, kafka } from '../kit/servers.ts';
import { secretsManifest, systemManifest } from '../kit/systems.ts';
import { canonical, parseKeepingDigits } from './canonical.ts';
import { type PairRow, pairColumns, pairRows, readColumns, type SystemEnd } from './system-end.ts';

/** An end whose server this test has started. */
export interface StartedEnd extends SystemEnd {
  stop(): Promise<void>;
}

/** As canonical JSON, without a JavaScript number between. */
function jsonOf({ id, name, amount, at }: PairRow): string {
  const text = name === null ? '' : `"name":${JSON.stringify(name)},`;
  return `{"id":${id},${text}"amount":${amount},"at":"${at.replace(' ', 'T')}"}`;
}

function rowsOf(texts: readonly string[]): readonly PairRow[] {
  const rows = texts.map((text) => {
    const value = parseKeepingDigits(text) as Readonly<Record<string, unknown>>;
    const [id = '', name, amount = '', at = ''] = readColumns.map(({ name, kind }) => {
      const field = value[name];
      return field === undefined || field === null
        ? undefined
        : canonical(kind, String(field).replace(/^#/, ''));
    });
    return { id, name: name ?? null, amount, at };
  });
  return rows.sort((one, other) => (one.id < other.id ? -1 : 1));
}

export async function kafkaEnd(): Promise<StartedEnd> {
  const server: KafkaServer = await kafka();
  const client = await new TestClient(server).open();
  await client.create('items', 2);
  await client.send(
    'items',
    pairRows.map((row) => ({ key: `{"id":${row.id}}`, value: jsonOf(row) })),
  );
  return {
    type: 'kafka',
    manifest: (name) =>
      systemManifest(name, `kafka: { brokers: ["${server.brokers.join('", "')}"], tls: { mode: Disable } }`),
    source: { topic: 'items', key: ['id'], columns: pairColumns },
    mode: 'Stream',
    destination: (from) => ({ topic: `from-${from}`, key: ['id'] }),
    writeMode: 'Upsert',
    guarantee: 'ExactlyOnce',
    rows: async (from) => rowsOf((await client.read(`from-${from}`)).map(({ value }) => value ?? '')),
    async stop() {
      await client.close();
      await server.stop();
    },
  };
}

export async function httpEnd(): Promise<StartedEnd> {
  const api = await ApiServer.start();
  api.collection('items').push(...pairRows.map((row) => ({ id: row.id, json: jsonOf(row) })));
  return {
    type: 'http',
    manifest: (name) =>
      systemManifest(
        name,
        `http: { url: "${api.url}", allowPrivateAddresses: true, allowCleartextPassword: true }`,
      ),
    source: { path: '/all/items', key: ['id'], columns: pairColumns },
    mode: 'Snapshot',
    destination: (from) => ({ path: `/items/from-${from}/{{ row.id }}`, key: ['id'] }),
    writeMode: 'Upsert',
    guarantee: 'AtLeastOnce',
    rows: async (from) => rowsOf(api.collection(`from-${from}`).map(({ json }) => json)),
    stop: () => api.stop(),
  };
}

export async function s3End(): Promise<StartedEnd> {
  const bucket = await TestBucket.open();
  await bucket.put('items/rows.jsonl', `${pairRows.map(jsonOf).join('\n')}\n`);
  const { endpoint, region, accessKeyId, secretAccessKey } = bucket.server;
  return {
    type: 's3',
    manifest: (name) =>
      secretsManifest(name, { id: accessKeyId, secret: secretAccessKey }) +
      systemManifest(
        name,
        `s3: { bucket: ${bucket.name}, region: ${region}, endpoint: "${endpoint}", accessKeyIdSecretRef: { name: ${name}, key: id }, secretAccessKeySecretRef: { name: ${name}, key: secret } }`,
      ),
    source: { prefix: 'items/', key: ['id'], columns: pairColumns },
    mode: 'Stream',
    destination: (from) => ({ prefix: `from-${from}/` }),
    writeMode: 'Append',
    guarantee: 'ExactlyOnce',
    async rows(from) {
      const keys = (await bucket.keys(`from-${from}/`)).filter((key) => !key.includes('/_idra/'));
      const texts = await Promise.all(keys.map(async (key) => (await bucket.get(key)).toString()));
      return rowsOf(texts.flatMap((text) => text.split('\n').filter((line) => line !== '')));
    },
    stop: () => bucket.stop(),
  };
}
