import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanent } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { plainFields } from './process-log.ts';

test('no line contains a secret, wrapped or not', () => {
  const fields = plainFields({
    sync: 'a/b',
    found: new Secret('hunter2'),
    config: { host: 'h', password: 'hunter2', tls: [{ key: new Secret('hunter2') }] },
    authorization: 'Bearer hunter2',
    fencingToken: '3.1',
  });
  assert.ok(!JSON.stringify(fields).includes('hunter2'));
  assert.equal(fields.fencingToken, '3.1');
  assert.deepEqual(fields.config, { host: 'h', password: '***', tls: [{ key: '***' }] });
});

test('errors have a remedy; fields that winston uses itself are renamed', () => {
  const error = permanent('TableNotFound', 'no table x', { path: 'spec.source.table', fix: 'create it' });
  assert.deepEqual(plainFields({ error, level: 'x', message: 'y', count: 3n, none: undefined }), {
    error: 'TableNotFound: spec.source.table: no table x; create it',
    level_: 'x',
    message_: 'y',
    count: '3',
  });
});
