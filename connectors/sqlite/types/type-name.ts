import { quoteDouble } from '../../sql/names.ts';

/** `DECIMAL(10, 2)`: the words in upper case, and the numbers. */
export function parseDeclared(declared: string): {
  name: string;
  first: number | undefined;
  second: number | undefined;
} {
  const match = /^([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?(.*)$/s.exec(declared.trim().toUpperCase());
  const name = `${match?.[1]?.trim() ?? ''} ${match?.[4]?.trim() ?? ''}`.trim().replace(/\s+/g, ' ');
  return { name, first: toNumber(match?.[2]), second: toNumber(match?.[3]) };
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

/** Words and lengths; only words that occur in types, so that none can end the type and begin something else. */
const plainType = /^[a-z]\w*( [a-z]\w*)*( ?\([+-]?\d{1,10}(, ?[+-]?\d{1,10})?\))?$/i;
const typeWords = new Set(
  `INT INTEGER INT2 INT4 INT8 TINYINT SMALLINT MEDIUMINT BIGINT BIG UNSIGNED SIGNED LONG SERIAL
   CHAR CHARACTER VARCHAR VARYING NCHAR NVARCHAR NATIVE STRING TEXT TINYTEXT MEDIUMTEXT LONGTEXT CLOB
   BLOB TINYBLOB MEDIUMBLOB LONGBLOB BINARY VARBINARY BYTEA REAL FLOAT FLOAT4 FLOAT8 DOUBLE PRECISION
   NUMERIC DECIMAL DEC NUMBER MONEY DECIMAL_TEXT BOOLEAN BOOL BIT BIT_TEXT VARBIT_TEXT
   DATE DATETIME TIME TIMETZ TIMESTAMP TIMESTAMPTZ DURATION INTERVAL WITH WITHOUT ZONE UUID JSON JSONB JSON_TEXT XML ANY`
    .trim()
    .split(/\s+/),
);

/**
 * A declared type as SQL. SQLite accepts a type in quotation marks, reports it without them, and keeps any contents. So a type that is
 * not plain is quoted, and has the same meaning.
 */
export function typeDdl(declared: string): string {
  if (declared === '') return '';
  const words = declared
    .toUpperCase()
    .replace(/ ?\(.*$/s, '')
    .split(' ');
  const isPlain = plainType.test(declared) && words.every((word) => typeWords.has(word));
  return isPlain ? declared : quoteDouble(declared);
}

/** Only this exact name makes a single primary key column an alias of the rowid. */
export function isRowidType(declared: string): boolean {
  return declared.trim().toUpperCase() === 'INTEGER';
}
