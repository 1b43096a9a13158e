import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkShared, checkVocabulary, readVocabulary, type Vocabulary } from './check-vocabulary.ts';

const vocabulary: Vocabulary = {
  shared: new Set(['session.ts', 'source/source.ts']),
  special: [{ system: 'mysql', file: 'source/binary-log.ts', why: 'it has one' }],
};
const files = [
  'connectors/catalog.ts',
  'connectors/sql/any.ts',
  'connectors/mysql/session.ts',
  'connectors/mysql/session.test.ts',
  'connectors/mysql/source/source.ts',
  'connectors/mysql/source/binary-log.ts',
];

test('the two tables of the page are the vocabulary', () => {
  const text = [
    '## Steps',
    '| `no.ts` | of another section |',
    '## Files',
    '',
    '| file | holds |',
    '|---|---|',
    '| `session.ts` | one connection |',
    '| `source/source.ts` | the `Source` |',
    '',
    '| system | file | why only here |',
    '|---|---|---|',
    '| mysql | `source/binary-log.ts` | it has one |',
    '',
    '## Tests',
  ];
  assert.deepEqual(readVocabulary(text.join('\n')), vocabulary);
});

test('files of the vocabulary, their tests, and listed files of one system are permitted', () => {
  assert.deepEqual(checkVocabulary(files, vocabulary), []);
});

test('a file with a name that is not in the vocabulary is refused, and so is a special file of another system', () => {
  assert.deepEqual(checkVocabulary([...files, 'connectors/mysql/reader.ts'], vocabulary), [
    'connectors/mysql/reader.ts is not in the vocabulary of docs/add-a-connector.md',
  ]);
  const [problem = ''] = checkVocabulary([...files, 'connectors/sqlite/source/binary-log.ts'], vocabulary);
  assert.match(problem, /^connectors\/sqlite\/source\/binary-log.ts is not/);
});

test('a file beside the folders of the connectors is refused', () => {
  assert.deepEqual(checkVocabulary([...files, 'connectors/shared.ts'], vocabulary), [
    'connectors/shared.ts is in no folder of a connector',
  ]);
});

test('an idea at another path is refused', () => {
  const [problem = ''] = checkVocabulary([...files, 'connectors/sqlite/source.ts'], vocabulary);
  assert.match(problem, /^connectors\/sqlite\/source.ts is not/);
});

test('what the page lists exists, has a reason, and is of one system', () => {
  const special = [
    { system: 'mysql', file: 'gone.ts', why: 'it was' },
    { system: 'mysql', file: 'session.ts', why: '' },
  ];
  const shared = new Set([...vocabulary.shared, 'nobody.ts', 'source/binary-log.ts']);
  assert.deepEqual(checkVocabulary(files, { shared, special }), [
    'docs/add-a-connector.md: no connector has nobody.ts',
    'docs/add-a-connector.md: there is no connectors/mysql/gone.ts',
    'docs/add-a-connector.md: session.ts of mysql is not of one system: list it for all',
    'docs/add-a-connector.md: no reason is given for session.ts of mysql',
  ]);
});

test('connectors/sql has files that two systems use, directly or indirectly, in the folders of the systems', () => {
  const sources = (imports: Readonly<Record<string, string>>) =>
    new Map(Object.entries(imports).map(([file, target]) => [file, `import { x } from '${target}';`]));
  const used = { 'connectors/mysql/a.ts': '../sql/a.ts', 'connectors/sqlite/a.ts': '../sql/types/b.ts' };
  const shared = { 'connectors/sql/a.ts': './types/b.ts', 'connectors/sql/types/b.ts': 'node:util' };
  assert.deepEqual(checkShared(sources({ ...used, ...shared, 'agent/a.ts': '../connectors/sql/a.ts' })), []);
  assert.deepEqual(checkShared(sources({ ...used, ...shared })), [
    'connectors/sql/a.ts is used by connectors/mysql alone: move it there',
  ]);
  assert.deepEqual(checkShared(sources({ 'connectors/sql/kit/c.ts': 'node:util' })), [
    'connectors/sql/kit/c.ts: folders of connectors/sql are connection, destination, source, types',
    'connectors/sql/kit/c.ts is used by nobody alone: move it there',
  ]);
});
