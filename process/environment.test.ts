import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdraError } from '../core/errors.ts';
import { EnvironmentReader } from './environment.ts';

const reader = (value?: string) => new EnvironmentReader({ IDRA_X: value });

test('a variable that is not set, or empty, has its default', () => {
  for (const value of [undefined, '', ' ']) {
    assert.equal(reader(value).durationMs('IDRA_X', '10s', 0), 10_000);
    assert.equal(reader(value).port('IDRA_X'), undefined);
    assert.equal(reader(value).choice('IDRA_X', ['a', 'b'], 'b'), 'b');
    assert.deepEqual(reader(value).list('IDRA_X'), []);
  }
});

test('values are read unchanged', () => {
  assert.equal(reader('1500ms').durationMs('IDRA_X', '10s', 0), 1_500);
  assert.equal(reader('8080').port('IDRA_X'), 8_080);
  assert.deepEqual(reader(' a, b,').list('IDRA_X'), ['a', 'b']);
  assert.deepEqual(reader('zone=a,disk=').labels('IDRA_X'), { zone: 'a', disk: '' });
});

const wrong: readonly [
  what: string,
  value: string,
  read: (reader: EnvironmentReader) => unknown,
  fix: RegExp,
][] = [
  ['a duration without a unit', '10', (env) => env.durationMs('IDRA_X', '10s', 0), /10s/],
  ['a duration that is too short', '1s', (env) => env.durationMs('IDRA_X', '10s', 2_000), /2000ms or more/],
  ['no port', '80a', (env) => env.port('IDRA_X'), /65535/],
  ['a port too high', '70000', (env) => env.port('IDRA_X'), /65535/],
  ['none of the choices', 'c', (env) => env.choice('IDRA_X', ['a', 'b'], 'b'), /a, b/],
  ['a label without a value', 'zone', (env) => env.labels('IDRA_X'), /KEY=VALUE/],
];
for (const [what, value, read, fix] of wrong) {
  test(`${what} is refused with the name of the variable and a valid value`, () => {
    assert.throws(
      () => read(reader(value)),
      (error) =>
        error instanceof IdraError &&
        error.code === 'EnvironmentInvalid' &&
        error.path === 'IDRA_X' &&
        error.message.includes(value) &&
        fix.test(error.fix ?? ''),
    );
  });
}
