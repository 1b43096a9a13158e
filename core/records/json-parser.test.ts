import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeJson } from './json.ts';
import { JsonError, JsonNumber, parseJson } from './json-parser.ts';

test('parses whatever JSON.stringify writes, and writes it back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), fc.nat(3), (value, indent) => {
      const again = writeJson(parseJson(JSON.stringify(value, null, indent)));
      assert.equal(JSON.stringify(JSON.parse(again)), JSON.stringify(value));
    }),
  );
});

test('numbers keep every digit', () => {
  const digits = fc.stringMatching(/^(0|[1-9]\d{0,40})$/);
  const numbers = fc
    .tuple(
      fc.boolean(),
      digits,
      fc.stringMatching(/^(\.\d{1,30})?$/),
      fc.stringMatching(/^([eE][+-]?\d{1,3})?$/),
    )
    .map(
      ([isNegative, whole, fraction, exponent]) => `${isNegative ? '-' : ''}${whole}${fraction}${exponent}`,
    );
  fc.assert(fc.property(numbers, (text) => assert.equal(writeJson(parseJson(text)), text)));
  assert.deepEqual(parseJson('9007199254740993'), new JsonNumber('9007199254740993'));
});

test('accepts and refuses the same texts as JSON.parse', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'u00e9',
    'true',
    'null',
    '-',
    '0',
    '12',
    '.5',
    'e3',
    ' ',
    '\n',
    'a',
  ];
  const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((each) => each.join(''));
  fc.assert(
    fc.property(texts, (text) => assert.equal(accepts(parseJson, text), accepts(JSON.parse, text), text)),
    {
      numRuns: 3_000,
    },
  );
});

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

test('the last of several fields with one name counts, and no name is special', () => {
  assert.equal(writeJson(parseJson('{"a":1,"b":2,"a":3}')), '{"a":3,"b":2}');
  assert.equal(
    writeJson(parseJson('{"2":0,"1":0,"__proto__":{"x":1}}')),
    '{"2":0,"1":0,"__proto__":{"x":1}}',
  );
});

test('an error has its position, and nothing of the text', () => {
  const wrong: [text: string, at: number][] = [
    ['{"secret": tru}', 11],
    ['[1, 2', 5],
    ['"secret', 0],
    ['"a\u0001"', 2],
    ['{"a":1} x', 8],
    [String.raw`"\x"`, 1],
  ];
  for (const [text, at] of wrong)
    assert.throws(
      () => parseJson(text),
      (error) => error instanceof JsonError && error.at === at && !error.message.includes('secret'),
      text,
    );
});

test('the depth is limited', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.doesNotThrow(() => parseJson(nested(200)));
  assert.throws(() => parseJson(nested(100_000)), JsonError);
  assert.throws(() => parseJson(nested(4), { maxDepth: 3 }), JsonError);
});
