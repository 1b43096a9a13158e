import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasSecondStatement } from './second-statement.ts';

test('two statements are detected where every dialect reads them as two', () => {
  for (const query of [
    'select 1; drop table items',
    "select ';' from t where a = 'it''s'; delete from t",
    'select 1 /* one; */ ; select 2',
    'select 1 -- one;\n; select 2',
    'select a[1] from t; select 2',
    'select "a;b", `c;d` from t;;select 2',
  ])
    assert.equal(hasSecondStatement(query), true, query);
});

test('one statement, and texts that only a server can judge, pass', () => {
  for (const query of [
    'select 1',
    'select 1;',
    'select 1 ; -- the end; of it\n /* and; more */ ;',
    'select \'a;b\', "c;d", `e;f` from t',
    'select a -- x; y\n from t',
    'select a /* x; y */ from t',
    "select 'a\\'; select 2 -- '",
    'select $$a;b$$ from t',
    'select 5--3; select 2',
    'select a # b; c\n from t',
    'select /*! 1; */ 2; select 3',
    'select /* a /* b */ ; c */ 1',
    "select 'never closed; select 2",
  ])
    assert.equal(hasSecondStatement(query), false, query);
});
