import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableRemedy } from './missing-table.ts';

test('a table of another schema or a similar name is suggested; otherwise nothing is guessed', () => {
  const known = [
    ['public', 'orders'],
    ['sales', 'Order.Items'],
    ['public', 'customers'],
  ];
  const remedy = (...wanted: readonly string[]) => tableRemedy(wanted, known, 'check it');
  assert.equal(remedy('public', 'order'), 'did you mean public.orders? Else check it');
  assert.equal(remedy('sales', 'customers'), 'did you mean public.customers? Else check it');
  assert.equal(remedy('sales', 'order.items'), 'did you mean sales."Order.Items"? Else check it');
  assert.equal(remedy('public', 'flights'), 'check it');
  assert.equal(tableRemedy(['orders'], [], 'check it'), 'check it');
});
