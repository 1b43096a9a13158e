import type { KeyType } from './system.ts';

/** Texts that some collations treat as equal; a number is appended when all have been used. */
const words = [
  'a',
  'B',
  'ä',
  'z ',
  'Z',
  'ß',
  '_x',
  '10',
  '9',
  'é',
  '東',
  '🌊',
  'b',
  'A',
  'ss',
  'z',
  'e',
  "o'k",
];

export function wordKey(n: number): string {
  const round = Math.floor(n / words.length);
  const word = words[n % words.length] ?? '';
  return `'${`${word}${round === 0 ? '' : round}`.replaceAll("'", "''")}'`;
}

export function uuidKey(n: number): string {
  const mixed = (Math.imul(n + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `'${mixed}-0000-4000-8000-${n.toString(16).padStart(12, '0')}'`;
}

/** Bytes of different lengths, some of which are prefixes of others. */
export function hexKey(n: number): string {
  return n.toString(16).padStart(2 * Math.ceil(n.toString(16).length / 2), '0') + '00'.repeat(n % 3);
}

export function timeKey(n: number): string {
  return `'2026-01-01 00:00:${String(Math.floor(n / 10) % 60).padStart(2, '0')}.${String(n % 10).padEnd(6, '0')}'`;
}

export const int = (name: string, ddl: string, base = 0n): KeyType => ({
  name,
  ddl,
  kind: 'int',
  value: (n) => String(base + BigInt(n)),
  isGrowing: true,
});

export const decimal = (ddl: string): KeyType => ({
  name: 'decimal',
  ddl,
  kind: 'decimal',
  value: (n) => `${n}.${n % 10}5`,
  isGrowing: true,
});

export const double = (ddl: string): KeyType => ({
  name: 'double',
  ddl,
  kind: 'float64',
  value: (n) => `${n}.1`,
  isGrowing: true,
});

export const text = (name: string, ddl: string): KeyType => ({ name, ddl, kind: 'text', value: wordKey });

/** The system's texts, one type per collation. */
export const texts = (type: string, collations: Readonly<Record<string, string>>): readonly KeyType[] =>
  Object.entries(collations).map(([name, collation]) =>
    text(name, collation === '' ? type : `${type} COLLATE ${collation}`),
  );
