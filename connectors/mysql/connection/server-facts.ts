import { boundedText } from '../../../core/bounded-text.ts';
import { permanent } from '../../../core/errors.ts';
import { identityItems, namesOf } from '../identity.ts';
import type { Result } from './statements.ts';

/** Facts about the server that statements depend on. */
export interface ServerFacts {
  readonly isMariaDb: boolean;
  /** `MySQL 9.7.4`, `MariaDB 10.11.19`. */
  readonly version: string;
  /** Whether the server accepts LOAD DATA LOCAL. */
  readonly hasLocalInfile: boolean;
  readonly maxPacketBytes: number;
  /** Compares text as bytes, including trailing blanks. `utf8mb4_bin` does not: it treats 'a' and 'a ' as equal. */
  readonly textCollation: string;
  /** Another server may write the same tables (a replica, or a member of a cluster). Its transactions are not visible here. */
  readonly isReplica: boolean;
  /** Names of the server, not of one of its databases (identity.ts). */
  readonly names: readonly string[];
}

/**
 * Collations that compare as bytes, in order of preference. A server that has none of the first two uses the last one, and a check
 * reports it.
 */
const textCollations = ['utf8mb4_0900_bin', 'utf8mb4_nopad_bin', 'utf8mb4_bin'] as const;

const longestVersion = 256;
/** The default of the oldest supported servers. */
const leastPacketBytes = 1_048_576;

/** SQL modes that change where a literal or a name ends. */
const misreading = /NO_BACKSLASH_ESCAPES|ANSI_QUOTES/;

/**
 * Values from the server enter statements only as one of these names or as a number. The modes and the character set that were just set
 * are read back: if a proxy kept them from the server, a text could end its own literal.
 */
export async function readFacts(
  run: (sql: string) => Promise<readonly Result[]>,
  where: string,
  known: ReadonlySet<string> = new Set(),
): Promise<ServerFacts> {
  const [result] = await run(
    'SELECT VERSION(), @@global.local_infile, @@max_allowed_packet, @@global.read_only, ' +
      `(SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME IN ('${textCollations.slice(0, 2).join("', '")}') LIMIT 1), ` +
      `@@sql_mode, @@character_set_client, @@character_set_connection, ${identityItems(known)}`,
  );
  const [version, infile, packet, readOnly, collation, modes, ...more] = result?.rows[0] ?? [];
  const charsets = more.slice(0, 2);
  if (misreading.test(String(modes)) || charsets.some((each) => each !== 'utf8mb4'))
    throw settingsNotKept(where);
  const text = boundedText(String(version), longestVersion);
  const isMariaDb = /mariadb/i.test(text);
  return {
    isMariaDb,
    version: `${isMariaDb ? 'MariaDB' : 'MySQL'} ${/^\d+(\.\d+)*/.exec(text)?.[0] ?? text}`,
    hasLocalInfile: Number(infile) === 1,
    maxPacketBytes: Number(packet) > 0 ? Number(packet) : leastPacketBytes,
    textCollation: textCollations.find((each) => each === collation) ?? 'utf8mb4_bin',
    isReplica: Number(readOnly) === 1,
    names: namesOf(more.slice(2)),
  };
}

function settingsNotKept(where: string): Error {
  return permanent(
    'PoolerNotSupported',
    `${where}: the session does not have the sql_mode or character set that was set; a proxy may have dropped the statement`,
    { path: 'spec.mysql.host', fix: "set host and port to the server's own" },
  );
}
