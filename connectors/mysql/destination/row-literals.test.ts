import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Form } from '../types/encode.ts';
import { linesOf, plainField } from '../types/tsv-lines.ts';
import { rowLiteral } from './row-literals.ts';

const literal = (line: string, ...forms: readonly Form[]) =>
  rowLiteral(
    Buffer.from(line),
    forms.map((form, at) => ({ name: `c${at}`, form })),
  );

test('a field is decoded and written again, so that no part of it ends its literal', () => {
  assert.equal(literal('a\\\tb', 'text', 'text'), "('a\\\\','b')");
  assert.equal(literal("\\'); DROP TABLE t; -- ", 'text'), "('''); DROP TABLE t; -- ')");
  assert.equal(literal("\\\\'); DROP TABLE t; -- ", 'text'), "('\\\\''); DROP TABLE t; -- ')");
  assert.equal(literal('it\\\\s\\tso\\n', 'text'), "('it\\\\s\tso\n')");
  assert.equal(literal('\\N\t\\\\N', 'text', 'text'), "(NULL,'\\\\N')");
  assert.equal(literal("1'), (2", 'float'), "('1''), (2')");
});

test('hexadecimal digits and bits are nothing else', () => {
  assert.equal(literal('00fF\t', 'hex', 'hex'), "(x'00fF',x'')");
  assert.equal(literal('0110', 'bits'), "(b'0110')");
  for (const form of ['hex', 'bits'] as const) {
    for (const field of ["00'), ('", '0 ', '2g', '00\\n', '１']) {
      assert.throws(
        () => literal(field, form),
        (thrown) => thrown instanceof Error && thrown.name === 'RowError',
        `${form} ${field}`,
      );
    }
  }
});

test('a row of more or fewer fields is refused', () => {
  assert.throws(() => literal('1\t2', 'text'), { code: 'ProtocolBroken' });
  assert.throws(() => literal('1', 'text', 'text'), { code: 'ProtocolBroken' });
});

test('the last line may lack its line break', () => {
  const lines = (...chunks: string[]) =>
    [...linesOf({ chunks: chunks.map((each) => Buffer.from(each)) })].map(String);
  assert.deepEqual(lines('a\nb', 'c\n\nd'), ['a', 'bc', '', 'd']);
  assert.deepEqual(lines('a\n'), ['a']);
  assert.deepEqual(lines(), []);
});

test('escapes are read as by LOAD DATA', () => {
  assert.equal(plainField('\\b\\0\\Z\\f\\x\\\n'), '\b\0\x1afx\n');
  assert.equal(plainField('\\N'), null);
});
