import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatToken, makeToken, maxEpoch, tokenEpoch, tokenRevision } from './token.ts';

const epochs = fc.integer({ min: 0, max: maxEpoch });
const revisions = fc.bigInt({ min: 0n, max: 2n ** 48n - 1n });

test('tokens are ordered by (epoch, revision), fit a signed 64-bit column, and can be split into both', () => {
  fc.assert(
    fc.property(epochs, revisions, epochs, revisions, (epochA, revisionA, epochB, revisionB) => {
      const [a, b] = [makeToken(epochA, revisionA), makeToken(epochB, revisionB)];
      assert.equal(a < b, epochA < epochB || (epochA === epochB && revisionA < revisionB));
      assert.ok(a < 2n ** 63n);
      assert.equal(tokenEpoch(a), epochA);
      assert.equal(tokenRevision(a), revisionA);
    }),
  );
});

test('values that do not fit are refused', () => {
  assert.throws(() => makeToken(maxEpoch + 1, 0n), RangeError);
  assert.throws(() => makeToken(0, 2n ** 48n), RangeError);
  assert.equal(formatToken(makeToken(3, 1842n)), '3.1842');
});
