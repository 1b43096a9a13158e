import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedText, visibleText } from './bounded-text.ts';
import { permanent } from './errors.ts';

const byCode = (...codes: number[]) => String.fromCharCode(...codes);

test('invisible characters are escaped, and no others are changed', () => {
  assert.equal(visibleText(`a${byCode(0x1b)}]0;title${byCode(7)}`), 'a\\u001b]0;title\\u0007');
  assert.equal(
    visibleText(`${byCode(0x9b)}2J${byCode(0x202e)}x${byCode(0x2028)}`),
    '\\u009b2J\\u202ex\\u2028',
  );
  assert.equal(visibleText('Grüße, 日本 👋\n\tnext'), 'Grüße, 日本 👋\n\tnext');
});

test('a message of megabytes is truncated, whatever its characters', () => {
  for (const char of ['x', 'ü', '日', '👋', byCode(0)]) {
    const bounded = boundedText(char.repeat(1_000_000));
    assert.ok(Buffer.byteLength(bounded) < 4_200, `${char}: ${Buffer.byteLength(bounded)}`);
    assert.match(bounded, /cut off, \d+ characters in all/);
  }
  assert.equal(boundedText('x'.repeat(4_096)), 'x'.repeat(4_096));
});

test('every error has a bounded, visible message and remedy', () => {
  const error = permanent('ServerError', 'm'.repeat(3_000_000), { fix: `do ${byCode(0x1b)}[31m this` });
  assert.ok(error.message.length < 4_200);
  assert.equal(error.fix, 'do \\u001b[31m this');
});
