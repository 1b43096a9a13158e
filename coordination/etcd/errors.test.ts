import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keys } from '../keys.ts';
import { asEtcdError } from './errors.ts';

const call = { user: undefined, keys: new Keys('/idra/'), needs: [] };

test('an empty resolution note of the gRPC library is not part of the message', () => {
  const text =
    '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED. Resolution note: ';
  for (const end of ['', '; ', ';'])
    assert.equal(
      asEtcdError(new Error(text + end), 'e:2379', call).message,
      'etcd e:2379 did not answer: 14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED',
    );
});

test('a resolution note with content is kept', () => {
  const { message } = asEtcdError(
    new Error('No addresses resolved. Resolution note: no DNS'),
    'e:2379',
    call,
  );
  assert.match(message, /Resolution note: no DNS$/);
});
