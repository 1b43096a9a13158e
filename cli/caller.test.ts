import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { caller } from './caller.ts';

test('a caller without a name on this machine, as in a pod, is named by its number', () => {
  assert.equal(caller(), userInfo().username);
  const withoutName = () => {
    throw Object.assign(new Error('uv_os_get_passwd returned ENOENT'), { code: 'ERR_SYSTEM_ERROR' });
  };
  assert.equal(caller(withoutName), `uid ${process.getuid?.()}`);
  assert.throws(() =>
    caller(() => {
      throw new TypeError('a bug');
    }),
  );
});
