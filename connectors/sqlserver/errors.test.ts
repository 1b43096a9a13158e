import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRowError, classify } from './errors.ts';

const where = 'team-a/shop (db:1433/shop)';
const sent = (number: number, message = 'the text of the server') =>
  Object.assign(new Error(message), { number });
const codeOf = (number: number) => {
  const { code, disposition } = classify(sent(number), where);
  return `${code}, ${disposition}`;
};

test('what passes is retried: deadlocks, throttling and failover of Azure SQL, databases that are not open yet', () => {
  const expected: Readonly<Record<number, string>> = {
    1205: 'Deadlock, transient',
    1222: 'LockTimeout, transient',
    3960: 'SerializationFailure, transient',
    13535: 'SerializationFailure, transient',
    40501: 'ServerOverloaded, transient',
    40197: 'ServerOverloaded, transient',
    49918: 'ServerOverloaded, transient',
    10928: 'ServerOverloaded, transient',
    40613: 'ServerShutdown, transient',
    615: 'ServerShutdown, transient',
    922: 'ServerShutdown, transient',
    2801: 'SchemaChanged, transient',
    9002: 'DiskFull, transient',
    3906: 'ReadOnlyServer, transient',
  };
  for (const [number, code] of Object.entries(expected)) assert.equal(codeOf(Number(number)), code, number);
});

test('what a person must change is not retried at once', () => {
  assert.equal(codeOf(18_456), 'AuthenticationFailed, permanent');
  assert.equal(codeOf(4_060), 'DatabaseNotFound, permanent');
  assert.equal(codeOf(229), 'PermissionDenied, permanent');
  assert.equal(codeOf(40_615), 'HostBlocked, permanent');
  assert.equal(codeOf(987_654), 'RaisedByTrigger, permanent');
});

test('a refused row is described by its constraint and column, and never by its values', () => {
  const duplicate = sent(
    2_627,
    "Violation of UNIQUE KEY constraint 'by_mail'. Cannot insert duplicate key in object 'dbo.users'. The duplicate key value is (anna@example.com).",
  );
  const error = classify(duplicate, where);
  assert.equal(error.code, 'ConstraintViolated');
  assert.match(error.message, /by_mail/);
  assert.doesNotMatch(error.message, /anna/);
  const cut = asRowError(
    sent(
      2_628,
      "String or binary data would be truncated in table 'x', column 'name'. Truncated value: 'secret'.",
    ),
  );
  assert.deepEqual([cut?.code, cut?.column], ['ValueNotKept', 'name']);
  assert.doesNotMatch(cut?.message ?? '', /secret/);
  assert.equal(asRowError(sent(6_923))?.code, 'ValueNotKept');
});

test('what a trigger raises may contain rows, and is not shown', () => {
  const error = classify(sent(50_000, 'order 42 of anna@example.com'), where);
  assert.equal(error.code, 'RaisedByTrigger');
  assert.doesNotMatch(error.message, /anna/);
});

test('the first of several errors says why', () => {
  const both = new AggregateError([sent(1_205), sent(3_621)]);
  assert.equal(classify(both, where).code, 'Deadlock');
});
