import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../free-port.ts';
import { type RunningProcess, startProcess } from '../processes.ts';
import { findServer, inArchive, inPythonPackage, onPath } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

/** How a test reaches a server of S3. */
export interface S3Address {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Server extends S3Address {
  /** Undefined for a server that was found in the environment. */
  readonly process?: ServerProcess;
  /** A new, empty bucket; its name. */
  createBucket(): Promise<string>;
  /** A client of the driver itself, closed with the server. */
  readonly client: S3Client;
  stop(): Promise<void>;
}

const region = 'us-east-1';
const motoVersion = '5.1.15';

/**
 * A server of S3: that of IDRA_TEST_S3_URL (`http://KEY:SECRET@HOST:PORT`), else a MinIO, else moto, which has no conditional
 * replacement of objects.
 */
export async function s3(): Promise<S3Server> {
  const given = process.env.IDRA_TEST_S3_URL;
  if (given) {
    const { protocol, host, username, password } = new URL(given);
    return serverAt({
      endpoint: `${protocol}//${host}`,
      region,
      accessKeyId: decodeURIComponent(username),
      secretAccessKey: decodeURIComponent(password),
    });
  }
  const port = await freePort();
  const address = {
    endpoint: `http://127.0.0.1:${port}`,
    region,
    accessKeyId: 'idra-test',
    secretAccessKey: randomBytes(12).toString('hex'),
  };
  const bin = await findServer('s3', [
    onPath(['minio']),
    inArchive('minio', 'minio'),
    inPythonPackage(`moto[server]==${motoVersion}`),
  ]);
  const folder = await dataFolder('s3');
  const probe = clientOf(address);
  const server = await ServerProcess.start({
    folder,
    start: () => startServer(bin, folder, port, address),
    answers: () => probe.send(new ListBucketsCommand({})),
  });
  probe.destroy();
  return serverAt(address, server);
}

async function startServer(
  bin: string,
  folder: string,
  port: number,
  { accessKeyId, secretAccessKey }: S3Address,
): Promise<RunningProcess> {
  if (!existsSync(join(bin, 'minio')))
    return await startProcess(join(bin, 'python'), ['-m', 'moto.server', '-p', String(port)], {
      name: 'moto',
    });
  const env = {
    MINIO_ROOT_USER: accessKeyId,
    MINIO_ROOT_PASSWORD: secretAccessKey,
    MINIO_BROWSER: 'off',
    MINIO_UPDATE: 'off',
  };
  const args = ['server', join(folder, 'data'), '--address', `127.0.0.1:${port}`, '--quiet'];
  return await startProcess(join(bin, 'minio'), args, { env });
}

function serverAt(address: S3Address, server?: ServerProcess): S3Server {
  const client = clientOf(address);
  return {
    ...address,
    client,
    ...(server && { process: server }),
    async createBucket() {
      const name = `idra-test-${randomBytes(6).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    async stop() {
      client.destroy();
      await server?.stop();
    },
  };
}

/** A client without anything of Idra's. */
export function clientOf({ endpoint, region, accessKeyId, secretAccessKey }: S3Address): S3Client {
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
