import { join } from 'node:path';
import { runOrFail } from '../processes.ts';
import { tempFolder } from '../temp.ts';
import { findServer, inPythonPackage } from './find.ts';
import type { S3Address } from './minio.ts';

const version = '1.5.5';

/**
 * Statements on standard input, the rows of the last one as JSON on standard output. Extensions are copied below HOME. A statement that takes
 * long would print its progress there, too.
 */
const script = `
import json, sys, duckdb, duckdb_extensions
duckdb_extensions.import_extension("httpfs")
connection = duckdb.connect()
connection.load_extension("httpfs")
connection.execute("SET enable_progress_bar = false")
rows = None
for statement in json.load(sys.stdin):
    result = connection.execute(statement)
    rows = result.fetchall() if result.description else None
print(json.dumps(rows, default=str))
`;

/** Runs statements in DuckDB, which reads from this server of S3. Values that JSON does not have come as text. */
export async function runDuckdb(server: S3Address, statements: readonly string[]): Promise<unknown[][]> {
  const bin = await findServer('duckdb', [
    inPythonPackage(
      `duckdb==${version}`,
      `duckdb-extensions==${version}`,
      `duckdb-extension-httpfs==${version}`,
    ),
  ]);
  const secret = `CREATE SECRET (TYPE s3, KEY_ID '${server.accessKeyId}', SECRET '${server.secretAccessKey}', REGION '${server.region}',
    ENDPOINT '${new URL(server.endpoint).host}', URL_STYLE 'path', USE_SSL false)`;
  const output = await runOrFail(join(bin, 'python'), ['-c', script], {
    env: { HOME: await tempFolder('duckdb') },
    input: JSON.stringify([secret, ...statements]),
  });
  return JSON.parse(output) as unknown[][];
}
