import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskedText } from './mask.ts';

test('a masked text keeps its shape and none of its letters and digits', () => {
  assert.equal(maskedText('Ana Müller, +39 055 1234'), 'xxx xxxxxx, +99 999 9999');
  assert.equal(maskedText('漢字①'), 'xx9');
  assert.equal(maskedText('a'.repeat(100)), `${'x'.repeat(60)}...`);
  assert.equal(maskedText('\u0000\u202e'), 'xx');
});
