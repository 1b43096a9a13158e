import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnType } from '../../../core/values.ts';
import type { Stored } from './decode.ts';
import { noStyle, type Spelling, spellingOf } from './spelling.ts';

const cases: readonly [ColumnType, readonly Stored[], readonly Stored[]][] = [
  [
    { kind: 'uuid' },
    [
      '0a000000-0000-4000-8000-00000000000f',
      '0A000000-0000-4000-8000-00000000000F',
      '0A000000-0000-4000-8000-00000000000f',
      '{0a000000-0000-4000-8000-00000000000f}',
      '0a00000000004000800000000000000f',
    ],
    ['0a000000-0000-4000-8000-00000000000e', '00000000-0000-4000-8000-00000000000f'],
  ],
  [{ kind: 'decimal' }, ['1.0', '1.00', '1', '01', '+1', 1n, 1], ['1.01', '-1', '10', '0.1']],
  [{ kind: 'decimal' }, ['0', '-0', '0.0', '.0', '-0.00'], ['0.01']],
  [
    { kind: 'timestamp', precision: 6, hasZone: true },
    [
      '2026-11-24 08:00:00Z',
      '2026-11-24T08:00:00Z',
      '2026-11-24 08:00:00.000Z',
      '2026-11-24 10:00:00+02:00',
      '2026-11-24 10:00:00+0200',
    ],
    ['2026-11-24 08:00:01Z', '2026-11-24 10:00:00+01:00', '2026-11-24 08:00:00.100Z'],
  ],
  [
    { kind: 'timestamp', precision: 6, hasZone: false },
    ['2026-11-24', '2026-11-24 00:00', '2026-11-24 00:00:00', '2026-11-24T00:00:00.0'],
    ['2026-11-25', '2026-11-24 00:00:00.010'],
  ],
  [
    { kind: 'time', precision: 6, hasZone: true },
    ['10:00:00+01', '10:00:00.0+01', '10:00:00+01:00'],
    ['10:00:00+02', '10:00:00.5+01'],
  ],
  [
    { kind: 'time', precision: 6, hasZone: false, isDuration: true },
    ['00:00:00', '-00:00:00', '00:00:00.0'],
    ['00:00:10', '100:00:00'],
  ],
  [{ kind: 'bit', length: 4 }, ['0001', '1'], ['0010', '0000']],
  [{ kind: 'untyped' }, [1n, 1, '1'], ['1.0', Buffer.from('1')]],
];

test('spellings of one value compare as equal and have different styles; other values differ', () => {
  for (const [type, same, others] of cases) {
    const spelling = spellingOf(type);
    assert.ok(spelling);
    const values = same.map((stored) => spelling.keyOf(stored));
    assert.equal(new Set(values).size, 1, `${type.kind}: ${values.join(' | ')}`);
    for (const other of others) assert.ok(!values.includes(spelling.keyOf(other)), `${type.kind}: ${other}`);
  }
});

test('within one style only equal texts are the same value', () => {
  for (const [type, same, others] of cases) {
    const spelling: Spelling | undefined = spellingOf(type);
    assert.ok(spelling);
    const byStyle = Map.groupBy([...same, ...others], (stored) => spelling.styleOf(stored));
    for (const [style, stored] of byStyle) {
      if (style === noStyle) continue;
      const texts = new Set(stored.map((each) => `${each instanceof Uint8Array}${each}`));
      const values: Set<string> = new Set(stored.map((each) => spelling.keyOf(each)));
      assert.equal(values.size, texts.size, `${type.kind} ${style}: ${[...texts].join(' | ')}`);
    }
  }
});

test('values with one spelling are not compared', () => {
  for (const type of [
    { kind: 'int', bits: 64 },
    { kind: 'text' },
    { kind: 'bytes' },
    { kind: 'float', bits: 64 },
  ] as const)
    assert.equal(spellingOf(type), undefined);
});
