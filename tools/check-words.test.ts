import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkWords } from './check-words.ts';

const refused: readonly (readonly [line: string, instead: RegExp])[] = [
  ['what to mend, and where', /"mend": write fix or remedy/],
  ['class SyncMemory {}', /SyncProgress/],
  ['const { formerMeanings } = change;', /fingerprint/],
  ['takePlaces(sync)', /slots/],
  ['// It waits for places of both DataSources.', /slots/],
  ['// Deciding is dear.', /expensive/],
  ["throw permanent('X', 'sync needs a person');", /action required/],
  ['The rows are read anew.', /again/],
  ['press Ctrl-C once more', /again/],
];

for (const [line, instead] of refused) {
  test(`refused: ${line}`, () => {
    const [problem = '', ...others] = checkWords('docs/a.md', `first line\n${line}`);
    assert.match(problem, /^docs\/a\.md:2 has /);
    assert.match(problem, instead);
    assert.deepEqual(others, []);
  });
}

test('ordinary words that contain or resemble them are permitted', () => {
  for (const line of [
    'a recommended version',
    'the column meaning of the commit table',
    'run it again, or remove the note',
    'places of a person who complains',
    'dearly needed',
  ])
    assert.deepEqual(checkWords('docs/a.md', line), []);
});
