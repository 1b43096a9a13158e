import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogin } from './config.ts';
import { accessOf } from './test-harness.ts';

const at = { host: 'db', port: 3306, database: 'shop', password: '', url: '' };

test('logins of one server share its connections; what they see of others is their own', () => {
  const [reader, writer] = ['reader', 'writer'].map((user) => readLogin(accessOf({ ...at, user })));
  assert.equal(reader?.server, writer?.server);
  assert.notEqual(reader?.visibilityKey, writer?.visibilityKey);
  assert.notEqual(readLogin(accessOf({ ...at, port: 3307, user: 'reader' })).server, reader?.server);
});
