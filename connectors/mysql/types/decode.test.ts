import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoderOf } from './decode.ts';

test('an invalid integer is a protocol error', () => {
  const decode = decoderOf({ kind: 'int', bits: 64, isUnsigned: false });
  assert.equal(decode?.('-5'), -5n);
  assert.throws(() => decode?.('1e5'), { code: 'ProtocolBroken', disposition: 'permanent' });
});
