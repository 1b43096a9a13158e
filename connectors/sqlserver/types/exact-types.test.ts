import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataType } from './driver-types.ts';
import { dateType, decimalType, floatType, type Moment, timeType } from './exact-types.ts';

/** What the driver's buffer gets, as bytes. */
class Written {
  readonly bytes: number[] = [];

  #add(value: bigint, bytes: number): void {
    for (let at = 0; at < bytes; at++) this.bytes.push(Number((value >> BigInt(8 * at)) & 0xffn));
  }

  writeUInt8 = (value: number) => this.#add(BigInt(value), 1);
  writeUInt16LE = (value: number) => this.#add(BigInt(value), 2);
  writeUInt24LE = (value: number) => this.#add(BigInt(value), 3);
  writeUInt32LE = (value: number) => this.#add(BigInt(value), 4);
  writeUInt40LE = (value: number) => this.#add(BigInt(value), 5);
  writeDoubleLE = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.bytes.push(...bytes);
  };
  writeBigUInt64LE = (value: bigint) => this.#add(value, 8);
}

function bytesOf(type: DataType, given: bigint | number | Moment | null): string {
  const written = new Written();
  const value = type.validate(given, undefined);
  type.writeValue(written as never, { value } as never, {} as never);
  return Buffer.from(written.bytes).toString('hex');
}

test('decimals are a sign and sixteen bytes, the lowest first', () => {
  const type = decimalType(38, 2);
  assert.equal(bytesOf(type, null), '00');
  assert.equal(bytesOf(type, 0n), `1101${'00'.repeat(16)}`);
  assert.equal(bytesOf(type, -258n), `11000201${'00'.repeat(14)}`);
  assert.equal(bytesOf(type, 1n << 64n), `1101${'00'.repeat(8)}01${'00'.repeat(7)}`);
  assert.equal(bytesOf(type, 10n ** 38n - 1n), '1101ffffffff3f228a097ac4865aa84c3b4b');
});

test('times have as many bytes as their digits need, then days, then the offset', () => {
  const moment = { days: 0x01_02_03, units: 0x0a_0b_0c };
  assert.equal(bytesOf(timeType('time', 2), moment), '030c0b0a');
  assert.equal(bytesOf(timeType('time', 4), moment), '040c0b0a00');
  assert.equal(bytesOf(timeType('time', 7), { days: 0, units: 863_999_999_999 }), '05ffbf692ac9');
  assert.equal(bytesOf(timeType('datetime2', 3), moment), '070c0b0a00030201');
  assert.equal(bytesOf(timeType('datetimeoffset', 6), moment), '0a0c0b0a00000302010000');
  assert.equal(bytesOf(dateType, moment), '03030201');
  assert.equal(bytesOf(dateType, null), '00');
});

test('a float keeps its bits, also the sign of zero', () => {
  assert.equal(bytesOf(floatType, null), '00');
  assert.equal(bytesOf(floatType, 1.5), '08000000000000f83f');
  assert.equal(bytesOf(floatType, -0), '080000000000000080');
});
