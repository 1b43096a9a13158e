import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onlyMissing } from './only-missing.ts';

const head = 'ℹ fail 2\n\n✖ failing tests:\n\n';
const missing = `test at e2e/guards.test.ts:1:1
✖ writes
  ServerMissing: sqlserver: not found; searched /opt/sqlserver/bin
      at findServer {
    code: 'SERVER_MISSING',
    searched: '/opt/sqlserver/bin'
  }
`;
const cancelled = `test at e2e/guards.test.ts:2:1
✖ writes twice
  'test did not finish before its parent and was cancelled'
`;
const failed = `test at e2e/guards.test.ts:9:1
✖ reads
  AssertionError [ERR_ASSERTION]: it lost rows
`;

test('a guard whose tests have only missed their server is skipped', () => {
  const error = onlyMissing(head + cancelled + missing + missing);
  assert.equal(error?.message, 'sqlserver: not found; searched /opt/sqlserver/bin');
  assert.equal(error?.code, 'SERVER_MISSING');
});

test('a guard is not skipped if a test has failed for another reason, or if none has failed', () => {
  assert.equal(onlyMissing(head + missing + failed), undefined);
  assert.equal(onlyMissing(head + cancelled + failed), undefined);
  assert.equal(onlyMissing('ℹ fail 0\n'), undefined);
  assert.equal(onlyMissing('seed 12: an offset has gone back\n'), undefined);
});
