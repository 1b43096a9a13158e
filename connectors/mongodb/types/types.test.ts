import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { parseJson } from '../../../core/records/json-parser.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { BsonWriter } from './bson-writer.ts';
import { bsonAccess, storedValue } from './decode.ts';
import { columnEncoder, encoderOf } from './encode.ts';
import { extendedJson } from './extended-json.ts';
import { documentValue, elementsOf, fieldOf } from './format.ts';
import { writeFields } from './from-extended-json.ts';
import { keyText, keyValue } from './key-text.ts';
import { millisecondsOf, timestampText } from './time-text.ts';

const {
  Binary,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  BSONRegExp,
  BSONSymbol,
  Timestamp,
  UUID,
} = BSON;

/** Every type of BSON, with values at its limits. */
const everything = {
  int: new Int32(-2147483648),
  long: Long.fromString('9007199254740993'),
  double: new Double(5),
  minusZero: new Double(-0),
  tiny: new Double(5e-324),
  large: new Double(1.7976931348623157e308),
  nan: new Double(Number.NaN),
  infinite: new Double(Number.NEGATIVE_INFINITY),
  decimal: Decimal128.fromString('1.10'),
  decimalLarge: Decimal128.fromString('-9.999999999999999999999999999999999E+6144'),
  decimalNan: Decimal128.fromString('NaN'),
  text: 'naïve \u{1f600} "quoted" \\ \u0001',
  empty: '',
  yes: true,
  no: false,
  nothing: null,
  date: new Date('2026-11-24T08:00:00.123Z'),
  oldDate: new Date(-62135596800001),
  objectId: new ObjectId('65f0c0ffee65f0c0ffee65f0'),
  bytes: new Binary(Buffer.from([0, 255, 1])),
  oldBytes: new Binary(Buffer.from([4, 5]), 2),
  custom: new Binary(Buffer.from('x'), 0x80),
  uuid: new UUID('0f0e0d0c-0b0a-4908-8706-050403020100'),
  regex: new BSONRegExp('^a/b"', 'im'),
  code: new Code('return 1'),
  scoped: new Code('return x', { x: new Int32(1) }),
  symbol: new BSONSymbol('s'),
  timestamp: new Timestamp({ t: 4_294_967_295, i: 2 }),
  least: new MinKey(),
  most: new MaxKey(),
  reference: new DBRef('others', new ObjectId('65f0c0ffee65f0c0ffee65f0')),
  object: {
    a: { b: [new Int32(1), Long.fromString('5000000000'), [new Double(1.5)]] },
    $odd: new Int32(1),
    'x.y': null,
  },
  list: [new Int32(1), 'x', null],
};
const bytes = Buffer.from(BSON.serialize(everything));

test('every type of BSON goes through Extended JSON and back without a change', () => {
  const json = extendedJson(documentValue(bytes)) ?? assert.fail('no JSON');
  const writer = new BsonWriter();
  const parsed = parseJson(json);
  assert.ok(parsed instanceof Map);
  assert.equal(writeFields(writer, parsed), undefined);
  assert.deepEqual(Buffer.from(writer.written), bytes);
});

test('plain JSON has plain numbers: integers without a point, doubles with one', () => {
  const json = extendedJson(
    documentValue(Buffer.from(BSON.serialize({ a: new Int32(1), b: Long.fromNumber(2), c: new Double(3) }))),
  );
  assert.equal(json, '{"a":1,"b":2,"c":3.0}');
});

test('a document that looks like another value in Extended JSON has no JSON, instead of becoming that value', () => {
  const jsonOf = (document: object) => extendedJson(documentValue(Buffer.from(BSON.serialize(document))));
  for (const inner of [{ $oid: '65f0c0ffee65f0c0ffee65f0' }, { $numberLong: '5' }, { $minKey: new Int32(1) }])
    assert.equal(jsonOf({ list: [inner] }), undefined);
  assert.equal(jsonOf({ o: { $oid: 'of the app' } }), '{"o":{"$oid":"of the app"}}');
  assert.equal(jsonOf({ o: { $odd: 'x', a: new Int32(1) } }), '{"o":{"$odd":"x","a":1}}');
});

test('a text that is not UTF-8 has no JSON and no text, instead of another one', () => {
  const document = Buffer.from(BSON.serialize({ a: 'xx' }));
  document[11] = 0xff;
  const value = fieldOf(documentValue(document), 'a') ?? assert.fail();
  assert.equal(extendedJson(value), undefined);
  assert.deepEqual(bsonAccess.read(value), { kind: 'other', name: 'text that is not UTF-8' });
});

test('bytes that are not BSON are refused, whatever they announce', () => {
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0, 1, 0x7f, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      // Either it is BSON after all, or the protocol was broken; anything else would be a bug.
      try {
        extendedJson(documentValue(changed));
      } catch (thrown) {
        assert.equal((thrown as { code?: string }).code, 'ProtocolBroken');
      }
    }
  }
});

test('a position has one text, which gives the same value back', () => {
  const column = (kind: 'text' | 'int' | 'timestamp' | 'json') => {
    const types: Readonly<Record<typeof kind, ColumnType>> = {
      int: { kind: 'int', bits: 64 },
      timestamp: { kind: 'timestamp', precision: 3, hasZone: true },
      text: { kind: 'text' },
      json: { kind: 'json' },
    };
    return { name: 'k', type: types[kind] };
  };
  for (const element of elementsOf(documentValue(bytes))) {
    for (const kind of ['text', 'int', 'timestamp', 'json'] as const) {
      const text = keyText(element, column(kind));
      const back = keyValue(text, column(kind)) ?? assert.fail(`${element.name}: ${text}`);
      assert.equal(extendedJson(back), extendedJson(element), `${element.name} as ${kind}: ${text}`);
    }
  }
  assert.equal(
    keyText(fieldOf(documentValue(bytes), 'long') ?? assert.fail(), column('int')),
    '9007199254740993',
  );
  assert.equal(
    keyText(fieldOf(documentValue(bytes), 'date') ?? assert.fail(), column('timestamp')),
    '2026-11-24 08:00:00.123Z',
  );
  const oid = keyValue('65f0c0ffee65f0c0ffee65f0', column('text'), true) ?? assert.fail();
  assert.equal(extendedJson(oid), '{"$oid":"65f0c0ffee65f0c0ffee65f0"}');
  const digits = keyValue('050000', { type: { kind: 'bytes' } }) ?? assert.fail();
  assert.equal(extendedJson(digits), '{"$binary":{"base64":"BQAA","subType":"00"}}');
  assert.equal(keyValue('no digits', { type: { kind: 'bytes' } }), undefined);
});

test('a text that looks like a special position stays a text', () => {
  const column = { name: 'k', type: { kind: 'text' as const }, nativeType: '', isNullable: false };
  const value = fieldOf(
    documentValue(Buffer.from(BSON.serialize({ k: '{"$oid":"65f0c0ffee65f0c0ffee65f0"}' }))),
    'k',
  );
  const text = keyText(value ?? assert.fail(), column);
  assert.equal(keyValue(text, column)?.type, 2);
});

test('canonical values become the BSON types of the table', () => {
  const writer = new BsonWriter();
  const start = writer.beginDocument();
  const put = (name: string, type: Parameters<typeof encoderOf>[0], value: never) =>
    assert.equal(encoderOf(type)(writer, name, value), undefined, name);
  put('int', { kind: 'int', bits: 32 }, 7 as never);
  put('long', { kind: 'int', bits: 64 }, 7n as never);
  put('unsigned', { kind: 'int', bits: 64, isUnsigned: true }, 18446744073709551615n as never);
  put('decimal', { kind: 'decimal', precision: 20, scale: 2 }, '1.10' as never);
  put('date', { kind: 'date' }, '2026-11-24' as never);
  put('before', { kind: 'date' }, '0044-03-15 BC' as never);
  put('at', { kind: 'timestamp', precision: 3, hasZone: true }, '2026-11-24 08:00:00.5Z' as never);
  put('micro', { kind: 'timestamp', precision: 6, hasZone: true }, '2026-11-24 08:00:00.5Z' as never);
  put('uuid', { kind: 'uuid' }, '0f0e0d0c-0b0a-4908-8706-050403020100' as never);
  put(
    'json',
    { kind: 'json' },
    '{"a":[1,2.5,{"$oid":"65f0c0ffee65f0c0ffee65f0"}],"big":123456789012345678901234567890}' as never,
  );
  put('array', { kind: 'array', of: { kind: 'int', bits: 64 } }, [1n, null, [2n]] as never);
  writer.endDocument(start);
  const found = BSON.EJSON.stringify(BSON.deserialize(writer.written, { promoteValues: false }), {
    relaxed: false,
  });
  assert.deepEqual(JSON.parse(found), {
    int: { $numberInt: '7' },
    long: { $numberLong: '7' },
    unsigned: { $numberDecimal: '18446744073709551615' },
    decimal: { $numberDecimal: '1.10' },
    date: { $date: { $numberLong: '1795478400000' } },
    before: { $date: { $numberLong: String(Date.UTC(-43, 2, 15)) } },
    at: { $date: { $numberLong: '1795507200500' } },
    micro: '2026-11-24T08:00:00.500000Z',
    uuid: { $binary: { base64: 'Dw4NDAsKSQiHBgUEAwIBAA==', subType: '04' } },
    json: {
      a: [{ $numberInt: '1' }, { $numberDouble: '2.5' }, { $oid: '65f0c0ffee65f0c0ffee65f0' }],
      big: { $numberDecimal: '123456789012345678901234567890' },
    },
    array: [{ $numberLong: '1' }, null, [{ $numberLong: '2' }]],
  });
});

test('what was written for a column is read back as the same canonical value', () => {
  const values: readonly (readonly [ColumnType, Value])[] = [
    [{ kind: 'int', bits: 32 }, 7],
    [{ kind: 'int', bits: 64, isUnsigned: true }, 18446744073709551615n],
    [{ kind: 'decimal', precision: 20, scale: 2 }, '1.10'],
    [{ kind: 'float', bits: 64 }, 0.1],
    [{ kind: 'text' }, 'a'],
    [{ kind: 'uuid' }, '0f0e0d0c-0b0a-4908-8706-050403020100'],
    [{ kind: 'date' }, '2026-11-24'],
    [{ kind: 'date' }, '0044-03-15 BC'],
    [{ kind: 'timestamp', precision: 3, hasZone: true }, '2026-11-24 08:00:00.5Z'],
    [{ kind: 'timestamp', precision: 3, hasZone: false }, '2026-11-24 08:00:00.123'],
    [{ kind: 'timestamp', precision: 0, hasZone: false }, '0044-03-15 00:00:00 BC'],
  ];
  for (const [type, value] of values) {
    const writer = new BsonWriter();
    const start = writer.beginDocument();
    assert.equal(encoderOf(type)(writer, 'v', value as never), undefined);
    writer.endDocument(start);
    const found = fieldOf(documentValue(Buffer.from(writer.written)), 'v') ?? assert.fail();
    const read = storedValue(found, type);
    assert.equal(
      String(read).replace(/(\.\d*?)0+(Z?)$/, '$1$2'),
      String(value).replace(/(\.\d*?)0+(Z?)$/, '$1$2'),
    );
  }
});

test('what a type of MongoDB cannot keep is refused, not changed', () => {
  const refuse = (type: Parameters<typeof encoderOf>[0], value: unknown) =>
    assert.equal(typeof encoderOf(type)(new BsonWriter(), 'x', value as never), 'string', String(value));
  refuse({ kind: 'decimal' }, `1${'0'.repeat(33)}.5`);
  refuse({ kind: 'date' }, 'infinity');
  for (const zero of ['0000-00-00', '2026-00-00', '2026-11-00', '2026-02-30']) refuse({ kind: 'date' }, zero);
  refuse({ kind: 'timestamp', precision: 0, hasZone: false }, '0000-00-00 00:00:00');
  refuse({ kind: 'timestamp', precision: 0, hasZone: false }, '2026-11-24 24:00:00');
  refuse({ kind: 'timestamp', precision: 3, hasZone: true }, '2026-11-24 08:00:00.1234Z');
  refuse({ kind: 'json' }, '{"a":');
  refuse({ kind: 'json' }, '{"a":"x\\ud800"}');
  refuse({ kind: 'json' }, '{"x\\ud800":1}');
  refuse({ kind: 'json' }, '[1234567890123456789012345678901234567890]');
});

test('a value of another type than its column, which SQLite allows, is refused without being shown', () => {
  const values: readonly [ColumnType, unknown][] = [
    [{ kind: 'boolean' }, 'maybe'],
    [{ kind: 'int', bits: 64 }, 'abc'],
    [{ kind: 'int', bits: 64 }, 1.5],
    [{ kind: 'int', bits: 32 }, 'abc'],
    [{ kind: 'float', bits: 64 }, 'abc'],
    [{ kind: 'decimal', precision: 10, scale: 2 }, '1.234'],
    [{ kind: 'bytes' }, 'abc'],
    [{ kind: 'date' }, '2026-01-01 10:00:00'],
    [{ kind: 'timestamp', precision: 6, hasZone: false }, 'abc'],
    [{ kind: 'text' }, Buffer.from('abc')],
    [{ kind: 'text', maxLength: 2 }, 'abc'],
    [{ kind: 'uuid' }, 'abc'],
    [{ kind: 'bit' }, 'abc'],
    [{ kind: 'interval' }, Buffer.from('abc')],
  ];
  for (const [type, value] of values) {
    const refusal = columnEncoder(type)(new BsonWriter(), 'x', value as never);
    assert.equal(typeof refusal, 'string', type.kind);
    assert.doesNotMatch(refusal ?? '', /abc/);
  }
  for (const text of ['🌊🌊', '', 'ab'])
    assert.equal(columnEncoder({ kind: 'text', maxLength: 2 })(new BsonWriter(), 'x', text), undefined);
});

test('instants are texts in both directions, before the year 1 too', () => {
  for (const ms of [0n, 1n, -1n, 253_402_300_799_999n, -62_135_596_800_001n, -210_000_000_000_000n])
    assert.equal(millisecondsOf(timestampText(ms) ?? ''), ms);
  assert.equal(timestampText(-62_135_596_800_001n), '0001-12-31 23:59:59.999Z BC');
  assert.equal(timestampText(10n ** 18n), undefined);
});
