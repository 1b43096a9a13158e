import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MissingValue, type Scope, Template, type TemplateContext, type TemplateValue } from './template.ts';

const fields: Readonly<Record<string, TemplateValue>> = {
  id: { json: '42', text: '42' },
  big: { json: '12345678901234567890', text: '12345678901234567890' },
  name: { json: '"a \\"b\\" / c&d"', text: 'a "b" / c&d' },
  at: { json: '"2026-11-24T08:00:00.5Z"', text: '2026-11-24T08:00:00.5Z' },
  none: { json: 'null', text: null },
  empty: { json: '""', text: '' },
  dots: { json: '".."', text: '..' },
};
const row: Scope = {
  value: (name, field) => {
    if (name === 'row') return field === undefined ? { json: '{"id":42}', text: null } : fields[field];
    return name === 'cursor' ? { json: '"x=="', text: 'x==' } : undefined;
  },
  each: (name) => (name === 'rows' ? [row, row] : []),
};
const names = ['row', 'rows', 'cursor'];
const path = 'spec.destination.bodyTemplate';
const parse = (text: string, context: TemplateContext) => new Template(text, { context, names, path });
const render = (text: string, context: TemplateContext) => parse(text, context).render(row);

test('in a URL values are percent-encoded, and NULL is missing', () => {
  assert.equal(
    render('/a/{{ row.id }}?n={{row.name}}&c={{ cursor }}', 'url'),
    '/a/42?n=a%20%22b%22%20%2F%20c%26d&c=x%3D%3D',
  );
  assert.deepEqual(render('/a/{{ row.none }}', 'url'), new MissingValue('row.none'));
  assert.equal(render('/a/{{ row.none | or "x y" }}', 'url'), '/a/x%20y');
  assert.deepEqual(render('/a/{{ row.empty }}?b', 'url'), new MissingValue('row.empty'));
  assert.equal(render('/a?b={{ row.empty }}', 'url'), '/a?b=');
});

test('in a body values are JSON, and inside quotes the inside of a string', () => {
  assert.equal(
    render(
      '{"id":{{ row.big }},"n":{{ row["name"] }},"t":"id {{ row.id }}: {{ row.name }}","z":{{ row.none }}}',
      'json',
    ),
    '{"id":12345678901234567890,"n":"a \\"b\\" / c&d","t":"id 42: a \\"b\\" / c&d","z":null}',
  );
  assert.equal(render('{"q":"a \\" {{ row.id }}"}', 'json'), '{"q":"a \\" 42"}');
});

test('a section is repeated with its separator', () => {
  assert.equal(render('[{{# rows ","}}{"i":{{ row.id }}}{{/ rows }}]', 'json'), '[{"i":42},{"i":42}]');
  assert.equal(render('{{#rows}}{{ row }}\n{{/rows}}', 'json'), '{"id":42}\n{"id":42}\n');
});

test('filters change the form of a value', () => {
  assert.equal(render('{{ row.id | text }}', 'json'), '"42"');
  assert.equal(
    render('{{ row.at | unix }} {{ row.at | unixMs }} {{ row.at | date }}', 'json'),
    '1795507200 1795507200500 "2026-11-24"',
  );
  assert.equal(render('{{ row.none | unix | or "0" }}', 'url'), '0');
});

test('forms are percent-encoded', () => {
  assert.equal(render('n={{ row.name }}', 'form'), 'n=a%20%22b%22%20%2F%20c%26d');
});

test('what it uses is known', () => {
  const used = parse('{"a":{{ row.id }},"r":[{{# rows }}{{ row["a.b"] }}{{/ rows }}]}', 'json');
  assert.deepEqual(used.uses, ['row.id', 'rows', 'row.a.b']);
  assert.deepEqual([used.has('row'), used.has('cursor')], [true, false]);
});

test('what is not in the language is refused', () => {
  const invalid = {
    '{{ row.id': /not closed/,
    '{{ process.env }}': /is not a value/,
    '{{ row.id.x }}': /is not a value/,
    '{{ row.id + 1 }}': /is not a value/,
    '{{ row.id | eval }}': /not a filter/,
    '{{ row.id | or }}': /not a filter/,
    '{{# rows }}x': /not closed/,
    '{{# cursors }}x{{/ cursors }}': /cannot be used/,
    '{"a":"{{# rows }}{{/ rows }}"}': /cannot be used/,
    '{"a': /quote/,
  };
  for (const [text, message] of Object.entries(invalid))
    assert.throws(
      () => parse(text, 'json'),
      { code: 'TemplateInvalid', disposition: 'permanent', path, message },
      text,
    );
});
