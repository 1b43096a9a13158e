import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrongIndentation } from './indentation.ts';

const find = (text: string) => wrongIndentation(text.split('\n'), 1)?.message;

test('a line whose indentation matches none of its neighbours is named with theirs', () => {
  assert.equal(
    find('spec:\n    source:\n      table: a\n    destination:\n      table: b\n   mode: Id'),
    'line 6 is indented by 3, its neighbours (line 4) by 4',
  );
  assert.equal(
    find('spec:\n  source:\n    dataSource: shop\n     table: a'),
    'line 4 is indented by 5, its neighbours (line 3) by 4',
  );
  assert.equal(
    find('items:\n  - name: a\n    kind: b\n   other: c'),
    'line 4 is indented by 3, its neighbours (line 3) by 4',
  );
  assert.match(find('spec:\n  source:\n\ttable: a') ?? '', /line 3 is indented with a tab/);
});

test('valid indentation is not reported', () => {
  for (const text of [
    'spec:\n  source:\n    table: a\n  mode: Id',
    'items:\n- name: a\n  more:\n  - b\n- name: c',
    'spec:\n  query: |\n    select a\n      from b\n  mode: Id',
    'spec: { a: 1,\n b: 2,\n     c: 3 }\nkind: x',
    '# one\nspec:\n\n      # deep\n  a: 1\n  b:\n    - - c\n      - d\n  e: f',
  ])
    assert.equal(find(text), undefined, text);
});
