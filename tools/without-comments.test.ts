import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutComments } from './without-comments.ts';

test('comments become blanks of the same length, and lines stay', () => {
  assert.equal(withoutComments("/* a\n b */ import 'x'; // it's y"), "    \n      import 'x';          ");
});

test('comment signs within strings are no comments, and quotes within comments begin no string', () => {
  for (const text of ["'a // b'", '"/* b */"', '`a // b`']) assert.equal(withoutComments(text), text);
  assert.equal(
    withoutComments("// the caller's\nlet x; // and theirs"),
    `${' '.repeat(15)}\nlet x; ${' '.repeat(13)}`,
  );
});
