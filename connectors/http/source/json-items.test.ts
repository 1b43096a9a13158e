import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePath } from '../../../core/records/path.ts';
import { AnswerError, JsonItems } from './json-items.ts';

interface Cut {
  readonly items: readonly string[];
  readonly envelope: string;
  readonly hasFound: boolean;
}

/** Fed in chunks of this size. */
function cut(text: string, path: string, size: number): Cut {
  const scanner = new JsonItems(parsePath(path) ?? []);
  const bytes = Buffer.from(text);
  const items: string[] = [];
  for (let at = 0; at < bytes.length; at += size)
    items.push(...scanner.feed(bytes.subarray(at, at + size)).map(String));
  return { items, envelope: String(scanner.end()), hasFound: scanner.hasFound };
}

const sizes = [1, 2, 3, 7, 1_000];

test('items are cut out of the array at the path, wherever chunks end', () => {
  const cases: readonly (readonly [string, string, readonly string[], string])[] = [
    ['[]', '', [], '[]'],
    [' [ {"a":1} , {"b":[{}]} ] ', '', ['{"a":1}', '{"b":[{}]}'], ' [] '],
    [
      '{"data":[{"x":"]}"},{"y":"\\"]"}],"next":"c"}',
      'data',
      ['{"x":"]}"}', '{"y":"\\"]"}'],
      '{"data":[],"next":"c"}',
    ],
    ['{"a":[[1],[2,3]],"b":1}', 'a[1]', ['2', '3'], '{"a":[[1],[]],"b":1}'],
    ['{"a":{"b":[1]},"b":[2]}', 'a.b', ['1'], '{"a":{"b":[]},"b":[2]}'],
    [
      '{"b":{"b":[2]},"a":{"c":[9],"b":[1,"x",null , true,[3]]}}',
      'a.b',
      ['1', '"x"', 'null', 'true', '[3]'],
      '{"b":{"b":[2]},"a":{"c":[9],"b":[]}}',
    ],
    ['{"a\\u002eb":[1]}', 'a\\.b', ['1'], '{"a\\u002eb":[]}'],
    ['{"ä":["ö"]}', 'ä', ['"ö"'], '{"ä":[]}'],
  ];
  for (const size of sizes) {
    for (const [text, path, items, envelope] of cases)
      assert.deepEqual(cut(text, path, size), { items, envelope, hasFound: true }, `${text} by ${size}`);
  }
});

test('without an array at the path everything is envelope', () => {
  for (const text of [
    '{"data":null}',
    '{"data":{"a":[1]}}',
    '{"other":[1]}',
    'null',
    '"x"',
    '{"d":[{"data":[1]}]}',
  ])
    assert.deepEqual(cut(text, 'data', 3), { items: [], envelope: text, hasFound: false });
});

test('an answer that ends in the middle, or is not JSON, is an error', () => {
  for (const text of ['[', '[{"a":1}', '[{"a":1},', '{"data":[1]', '["x', '{"data'])
    assert.throws(
      () => cut(text, 'data', 2),
      (error) => error instanceof AnswerError && error.isCut,
      text,
    );
  for (const text of ['[1 2]', '[{}{}]', '[1,]', '{"data":[1],"data":[2]}', '}', '[}'])
    assert.throws(() => cut(text, text.startsWith('{"') ? 'data' : '', 2), AnswerError, text);
});

test('what is kept is limited', () => {
  const isTooLarge = (error: unknown) => error instanceof AnswerError && error.isTooLarge;
  const around = new JsonItems(['data']);
  assert.throws(() => around.feed(Buffer.from(`{"x":"${'x'.repeat(5_000_000)}`)), isTooLarge);
  const item = new JsonItems([]);
  item.feed(Buffer.from('["'));
  const chunk = Buffer.alloc(16 * 1_024 ** 2, 'x');
  assert.throws(() => {
    for (let count = 0; count < 5; count += 1) item.feed(chunk);
  }, isTooLarge);
});

test('any items in any envelope arrive as they are', () => {
  const check = (items: readonly unknown[], before: unknown, after: unknown, size: number) => {
    const answer = { before, data: { items }, after };
    const { items: found, envelope } = cut(JSON.stringify(answer), 'data.items', size);
    assert.deepEqual(
      found,
      items.map((item) => JSON.stringify(item)),
    );
    assert.equal(envelope, JSON.stringify({ ...answer, data: { items: [] } }));
  };
  const json = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<unknown>;
  fc.assert(
    fc.property(fc.array(json, { maxLength: 5 }), json, json, fc.integer({ min: 1, max: 40 }), check),
  );
});
