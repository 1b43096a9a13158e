import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ColumnType } from '../values.ts';
import { formatType, parseType } from './type-text.ts';

const bits = fc.constantFrom(8, 16, 24, 32, 64);
const length = fc.integer({ min: 1, max: 65_535 });
const scalars: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom<ColumnType>(
    ...(['boolean', 'uuid', 'json', 'date', 'interval', 'text', 'bytes', 'decimal'] as const).map((kind) => ({
      kind,
    })),
  ),
  fc.record({ kind: fc.constant('int' as const), bits }) as fc.Arbitrary<ColumnType>,
  fc.record({
    kind: fc.constant('int' as const),
    bits,
    isUnsigned: fc.constant(true),
  }) as fc.Arbitrary<ColumnType>,
  fc.record({
    kind: fc.constant('float' as const),
    bits: fc.constantFrom(32, 64),
  }) as fc.Arbitrary<ColumnType>,
  fc
    .tuple(fc.integer({ min: 1, max: 65 }), fc.nat(65))
    .map(
      ([precision, scale]) => ({ kind: 'decimal', precision, scale: Math.min(precision, scale) }) as const,
    ),
  fc.record({
    kind: fc.constantFrom('time' as const, 'timestamp' as const),
    precision: fc.integer({ min: 0, max: 9 }),
    hasZone: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('text' as const, 'bytes' as const), maxLength: length }),
  fc.record({
    kind: fc.constantFrom('text' as const, 'bytes' as const),
    maxLength: length,
    isFixed: fc.constant(true),
  }),
  fc.record({ kind: fc.constant('bit' as const), length }),
  fc.record({ kind: fc.constant('bit' as const), isVarying: fc.constant(true) }),
  fc.record({
    kind: fc.constant('enum' as const),
    values: fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
  }),
);
const types = fc.oneof(
  scalars,
  scalars.map((of): ColumnType => ({ kind: 'array', of })),
);

test('every type is read back as it was written', () => {
  fc.assert(
    fc.property(types, (type) => assert.deepEqual(parseType(formatType(type) ?? ''), structuredClone(type))),
  );
});

test('types as users write them', () => {
  const texts: [text: string, type: ColumnType][] = [
    [' decimal(18, 2) ', { kind: 'decimal', precision: 18, scale: 2 }],
    ['decimal(18)', { kind: 'decimal', precision: 18, scale: 0 }],
    ['timestamp with time zone', { kind: 'timestamp', precision: 6, hasZone: true }],
    ['timestamp(0)', { kind: 'timestamp', precision: 0, hasZone: false }],
    ['time(3) with time zone', { kind: 'time', precision: 3, hasZone: true }],
    ['uint64[]', { kind: 'array', of: { kind: 'int', bits: 64, isUnsigned: true } }],
    ["enum('a', 'it''s')", { kind: 'enum', values: ['a', "it's"] }],
  ];
  for (const [text, type] of texts) assert.deepEqual(parseType(text), type, text);
});

test('what is not a type is refused', () => {
  const texts = [
    '',
    'varchar',
    'int',
    'int7',
    'Text',
    'text(0)',
    'text(1,2)',
    'decimal(2,3)',
    'timestamp(12)',
    'date with time zone',
    'char',
    'bit',
    'enum()',
    '[]',
    'json(3)',
  ];
  for (const text of texts) assert.equal(parseType(text), undefined, text);
});
