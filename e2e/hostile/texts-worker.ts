import { parentPort } from 'node:worker_threads';
import { databaseGrant, grantOf } from '../../connectors/mysql/connection/grant.ts';
import { decoderOf as mysqlDecoder } from '../../connectors/mysql/types/decode.ts';
import { keepsNumbers } from '../../connectors/mysql/types/json-numbers.ts';
import { dialect as mysqlDialect } from '../../connectors/mysql/types/literals.ts';
import { labelsOf, partsOf } from '../../connectors/mysql/types/type-name.ts';
import { accepts } from '../../connectors/postgres/types/accepts.ts';
import { decoderOf as postgresDecoder } from '../../connectors/postgres/types/decode.ts';
import { encoderOf as postgresEncoder } from '../../connectors/postgres/types/encode.ts';
import { serverInteger } from '../../connectors/sql/connection/server-integer.ts';
import { decoderOf as sqliteDecoder } from '../../connectors/sqlite/types/decode.ts';
import { encoderOf as sqliteEncoder } from '../../connectors/sqlite/types/encode.ts';
import { dialect as sqliteDialect } from '../../connectors/sqlite/types/literals.ts';
import { spellingOf } from '../../connectors/sqlite/types/spelling.ts';
import { timeShape } from '../../connectors/sqlite/types/time-text.ts';
import { canonicalCheck } from '../../core/canonical-check.ts';
import { parseOffset } from '../../core/offset.ts';
import { decimalDigits, reduced } from '../../core/records/decimal-text.ts';
import { fitPrecision } from '../../core/records/time-text.ts';
import type { Column, ColumnType } from '../../core/values.ts';

const many = 1_500_000;
/** Each begins like something that a pattern knows, and ends otherwise. */
const texts = [
  `${'1'.repeat(many)}x`,
  `0.1${'0'.repeat(many)}1`,
  `0.1${'0'.repeat(many)}10`,
  `08:00:00.1${'0'.repeat(many)}1\n`,
  `08:00:00.1${'0'.repeat(many)}10`,
  `2026-01-01 08:00:00.1${'0'.repeat(many)}1x`,
  `"${'\\"'.repeat(many)}`,
  `"${'text '.repeat(many)}"`,
  `'${"\\'".repeat(many)}`,
  `int8${'[]'.repeat(many)}x`,
  `r\t${' '.repeat(many)})`,
  `${'] ['.repeat(many)}]`,
  `{${'1,'.repeat(many)}`,
  `${"for user '".repeat(many / 10)}'@'`,
  `for user '${"'@'".repeat(many)}' to database '`,
  `${"table 'b".repeat(many / 10)}\ntable ''`,
];

const types: readonly ColumnType[] = [
  { kind: 'boolean' },
  { kind: 'int', bits: 64 },
  { kind: 'float', bits: 64 },
  { kind: 'decimal' },
  { kind: 'decimal', precision: 10, scale: 2 },
  { kind: 'text' },
  { kind: 'bytes' },
  { kind: 'date' },
  { kind: 'time', precision: 6, hasZone: true },
  { kind: 'timestamp', precision: 6, hasZone: true },
  { kind: 'uuid' },
  { kind: 'json' },
  { kind: 'interval' },
  { kind: 'bit' },
  { kind: 'untyped' },
];
const nativeTypes = ['TEXT', 'NUMERIC', 'INTEGER', ''];

function columnOf(type: ColumnType, nativeType: string): Column {
  return { name: 'c', type, nativeType, isNullable: true } as unknown as Column;
}

function* usesOf(text: string, type: ColumnType): Generator<readonly [name: string, use: () => unknown]> {
  yield ['the canonical form', () => canonicalCheck(type)?.(text)];
  yield ["MySQL's decoder", () => mysqlDecoder(type)?.(text)];
  yield ["PostgreSQL's decoder", () => postgresDecoder(type)?.(text)];
  yield ["PostgreSQL's encoder", () => postgresEncoder(type, columnOf(type, 'numeric'))(text)];
  yield ["SQLite's decoder", () => sqliteDecoder(type)?.(text)];
  yield ["SQLite's styles", () => spellingOf(type)?.styleOf(text)];
  yield ["SQLite's keys", () => spellingOf(type)?.keyOf(text)];
  yield ["MySQL's literal", () => mysqlDialect.literal(text, columnOf(type, 'decimal'))];
  for (const nativeType of nativeTypes) {
    yield ["SQLite's encoder", () => sqliteEncoder(type, { nativeType })?.(text)];
    yield ["SQLite's literal", () => sqliteDialect.literal(text, columnOf(type, nativeType))];
  }
}

function* otherUses(text: string): Generator<readonly [name: string, use: () => unknown]> {
  yield ["MySQL's numbers in JSON", () => keepsNumbers(text)];
  yield ["MySQL's types", () => partsOf(text)];
  yield ["MySQL's labels", () => labelsOf(text)];
  yield ["MySQL's messages", () => databaseGrant(text)];
  const grantee = { database: 'd', account: 'a' };
  for (const errno of [1142, 1227, 1370])
    yield ["MySQL's messages", () => grantOf({ errno, message: text, sql: text }, grantee)];
  yield ['an integer', () => serverInteger(text, 'here')];
  yield ['digits', () => reduced(decimalDigits(text) ?? { isNegative: false, digits: text, scale: 0 })];
  yield ['digits of a second', () => fitPrecision(text, { precision: 3, hasZone: false })];
  yield ["SQLite's times", () => timeShape(text)];
  for (const mode of ['Id', 'Timestamp', 'Snapshot'] as const)
    yield ['the text of an offset', () => parseOffset(text, mode)];
  const array: ColumnType = { kind: 'array', of: { kind: 'int', bits: 64 } };
  yield ["PostgreSQL's types", () => accepts(columnOf(array, text), array)];
}

for (const text of texts) {
  const uses = [...types.flatMap((type) => [...usesOf(text, type)]), ...otherUses(text)];
  for (const [name, use] of uses) {
    parentPort?.postMessage(`${name}, for ${text.slice(0, 12)}`);
    try {
      use();
    } catch {
      // A refusal is an answer.
    }
  }
}
