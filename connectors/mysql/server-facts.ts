import type { Result } from './statements.ts';

/** What statements depend on. */
export interface ServerFacts {
  readonly isMariaDb: boolean;
  /** `MySQL 9.7.4`, `MariaDB 10.11.19`. */
  readonly version: string;
  /** Whether it takes LOAD DATA LOCAL. */
  readonly hasLocalInfile: boolean;
  readonly maxPacketBytes: number;
  /** Compares text as bytes do, blanks at the end included: `utf8mb4_bin` equates 'a' and 'a '. */
  readonly textCollation: string;
  /** Another server may write the same tables: a replica, a member of a cluster. Its transactions are not seen here. */
  readonly isReplica: boolean;
}

export async function readFacts(run: (sql: string) => Promise<readonly Result[]>): Promise<ServerFacts> {
  const [result] = await run(
    'SELECT VERSION(), @@global.local_infile, @@max_allowed_packet, @@global.read_only, ' +
      "(SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME IN ('utf8mb4_0900_bin', 'utf8mb4_nopad_bin') LIMIT 1)",
  );
  const [version, infile, packet, readOnly, collation] = result?.rows[0] ?? [];
  const text = String(version);
  const isMariaDb = /mariadb/i.test(text);
  return {
    isMariaDb,
    version: `${isMariaDb ? 'MariaDB' : 'MySQL'} ${/^\d+(\.\d+)*/.exec(text)?.[0] ?? text}`,
    hasLocalInfile: Number(infile) === 1,
    maxPacketBytes: Number(packet),
    textCollation: String(collation ?? 'utf8mb4_bin'),
    isReplica: Number(readOnly) === 1,
  };
}
