import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsInLine, shownText, typedValue } from '../web/src/editor/field-text.ts';

test('what is typed in a line of a list or map is kept whole', () => {
  assert.deepEqual(typedValue('map', 'options=-c search_path=a, token = abc=='), {
    options: '-c search_path=a',
    token: 'abc==',
  });
  assert.deepEqual(typedValue('map', 'name'), { name: '' });
  assert.deepEqual(typedValue('list', ' a, b ,'), ['a', 'b']);
  assert.equal(typedValue('list', ' '), undefined);
});

test('a value that a line cannot show without a change is edited as text', () => {
  for (const value of [{ a: 'b=c', d: '' }, {}, undefined]) {
    assert.ok(fitsInLine('map', value), JSON.stringify(value));
    assert.deepEqual(typedValue('map', shownText('map', value)) ?? {}, value ?? {});
  }
  for (const value of [
    { accept: 'text/html, text/plain' },
    { a: ' b' },
    { a: 1 },
    { a: { b: 1 } },
    { 'a=b': 'c' },
    ['a'],
  ])
    assert.ok(!fitsInLine('map', value), JSON.stringify(value));
  for (const value of [['a', 'b c'], [], undefined])
    assert.ok(fitsInLine('list', value), JSON.stringify(value));
  for (const value of [['a,b'], [' a'], [1], ['']])
    assert.ok(!fitsInLine('list', value), JSON.stringify(value));
  assert.ok(fitsInLine('text', 'a,b'));
});
