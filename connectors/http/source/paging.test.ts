import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../../core/records/json-parser.ts';
import type { HttpPaging } from '../../../core/sync-spec.ts';
import { nextLink } from './next-page.ts';
import { type PageFacts, type PagePosition, Paging } from './paging.ts';

const facts = (envelope: string, more: Partial<PageFacts> = {}): PageFacts => ({
  url: new URL('https://api.example.com/list'),
  envelope: parseJson(envelope),
  headers: {},
  itemCount: 2,
  lastItem: parseJson('{"id":9007199254740993,"sort":[1,"a"]}'),
  ...more,
});
const next = (fields: HttpPaging, of: PageFacts, position: PagePosition = {}) =>
  new Paging(fields, 'data').next(position, of, (url) => `to ${url}`);

test('a cursor is a text, a number with all its digits, or any JSON', () => {
  assert.deepEqual(next({ cursorPath: 'meta.next' }, facts('{"meta":{"next":"a=="}}')), { cursor: '"a=="' });
  assert.deepEqual(next({ cursorPath: 'next' }, facts('{"next":9007199254740993}')), {
    cursor: '9007199254740993',
  });
  assert.throws(() => next({ cursorPath: 'next' }, facts(`{"next":"${'x'.repeat(9_000)}"}`)), {
    code: 'AnswerInvalid',
    path: 'spec.source.paging.cursorPath',
  });
  for (const none of ['{"next":null}', '{"next":""}', '{"next":false}', '{}'])
    assert.equal(next({ cursorPath: 'next' }, facts(none)), undefined, none);
});

test('a cursor may be of the last item', () => {
  const fields = { cursorPath: 'data[-1].id', morePath: 'has_more' };
  assert.deepEqual(next(fields, facts('{"has_more":true}')), { cursor: '9007199254740993' });
  assert.equal(next(fields, facts('{"has_more":false}')), undefined);
  assert.equal(next(fields, facts('{"has_more":false}', { lastItem: undefined, itemCount: 0 })), undefined);
  assert.equal(next(fields, facts('{}', { envelope: undefined, itemCount: 0 })), undefined);
  assert.deepEqual(next({ cursorPath: 'data[-1].sort' }, facts('{}')), { cursor: '[1,"a"]' });
  assert.throws(() => next(fields, facts('{}')), {
    code: 'AnswerInvalid',
    path: 'spec.source.paging.morePath',
  });
});

test('a page that says that there is more, and not where, does not end the list', () => {
  for (const fields of [{ cursorPath: 'n' }, { nextUrlPath: 'n' }, { linkHeader: true }, {}] as const) {
    const paging: HttpPaging = { ...fields, morePath: 'more' };
    assert.throws(() => next(paging, facts('{"more":true}')), { code: 'AnswerInvalid' });
    assert.equal(next(paging, facts('{"more":false}')), undefined);
    assert.throws(() => next(paging, facts('{"more":true}', { itemCount: 0 })), { code: 'AnswerInvalid' });
  }
});

test('pages and offsets count until a page is empty, whatever its size', () => {
  assert.deepEqual(next({ pageParam: 'p' }, facts('[]')), { page: 2 });
  assert.deepEqual(next({ pageParam: 'p', firstPage: 0 }, facts('[]')), { page: 1 });
  assert.deepEqual(next({ offsetParam: 'o', limitParam: 'l', limit: 100 }, facts('[]'), { offset: 10 }), {
    offset: 12,
  });
  for (const fields of [{ pageParam: 'p' }, { offsetParam: 'o' }])
    assert.equal(next(fields, facts('[]', { itemCount: 0 })), undefined);
});

test('parameters of a page', () => {
  const of = (fields: HttpPaging, position: PagePosition) => new Paging(fields, '').parameters(position);
  assert.deepEqual(of({ pageParam: 'p', limitParam: 'l', limit: 5 }, {}), { p: '1', l: '5' });
  assert.deepEqual(of({ offsetParam: 'o' }, { offset: 7 }), { o: '7' });
  assert.deepEqual(of({ cursorPath: 'c', cursorParam: 'c' }, { cursor: '"a b"' }), { c: 'a b' });
  assert.deepEqual(of({ cursorPath: 'c', cursorParam: 'c' }, {}), {});
});

test('the header Link in the forms that servers use', () => {
  const github =
    '<https://api.github.com/repositories/1/issues?page=2>; rel="next", <https://api.github.com/repositories/1/issues?page=7>; rel="last"';
  assert.equal(nextLink({ link: github }), 'https://api.github.com/repositories/1/issues?page=2');
  assert.equal(nextLink({ link: '</x?a=1,2;3>; title="a, b"; rel=next' }), '/x?a=1,2;3');
  assert.equal(nextLink({ link: '<a>; rel="prev first", <b>;rel="last Next"' }), 'b');
  assert.equal(nextLink({ link: '<a>; rel="prev"' }), undefined);
  assert.equal(nextLink({ link: String.raw`<a>; title="a \"b\", <c>; rel=next"; rel="next"` }), 'a');
  assert.equal(nextLink({}), undefined);
  assert.deepEqual(next({ linkHeader: true }, facts('[]', { headers: { link: github } })), {
    url: 'to https://api.github.com/repositories/1/issues?page=2',
  });
});

test('the next URL in the answer', () => {
  const fields = { nextUrlPath: '@odata\\.nextLink' };
  assert.deepEqual(next(fields, facts('{"@odata.nextLink":"https://a/b?c"}')), { url: 'to https://a/b?c' });
  assert.equal(next(fields, facts('{"value":[]}')), undefined);
  assert.throws(() => next(fields, facts('{"@odata.nextLink":{"a":1}}')), { code: 'AnswerInvalid' });
  assert.throws(() => next(fields, facts(`{"@odata.nextLink":"${'x'.repeat(9_000)}"}`)), {
    code: 'AnswerInvalid',
  });
});

test('which kinds check whether pages have shifted', () => {
  const of = (fields: HttpPaging) => {
    const { isRechecked, overlaps } = new Paging(fields, '');
    return [isRechecked, overlaps];
  };
  assert.deepEqual(of({ pageParam: 'p' }), [true, false]);
  assert.deepEqual(of({ pageParam: 'p', recheck: false }), [false, false]);
  assert.deepEqual(of({ offsetParam: 'o' }), [false, true]);
  assert.deepEqual(of({ offsetParam: 'o', recheck: false }), [false, false]);
  assert.deepEqual(of({ linkHeader: true }), [false, false]);
  assert.deepEqual(of({ linkHeader: true, recheck: true }), [true, false]);
});
