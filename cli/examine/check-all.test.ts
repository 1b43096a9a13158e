import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataSourceOf, syncOf } from '../../coordination/test-objects.ts';
import { transient } from '../../core/errors.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import { checkAll } from './check-all.ts';

function between(name: string, source: string, destination: string): Sync {
  const sync = syncOf(name, { name });
  return {
    ...sync,
    spec: {
      ...sync.spec,
      source: { ...sync.spec.source, dataSource: source },
      destination: { ...sync.spec.destination, dataSource: destination },
    },
  };
}

test('what concerns late rows is reported for a DataSource that a Sync reads by id or timestamp, and where there is no Sync', async () => {
  const found = async (...syncs: readonly Sync[]) => {
    const checked = await checkAll({
      dataSources: [dataSourceOf('shop'), dataSourceOf('warehouse')],
      syncs,
      check: () =>
        Promise.resolve({
          version: '1',
          findings: (['LateRowsBySafetyLag', 'Standby', 'NoLocalInfile'] as const).map((code) => ({
            severity: 'info',
            code,
            message: 'as told',
          })),
        }),
      discover: () => Promise.resolve([]),
      plan: () => Promise.resolve({ columns: [], statements: [], findings: [] }),
      offsetEffect: () => Promise.reject(new Error('not asked')),
    });
    return checked.slice(0, 2).map(({ findings }) => findings.length);
  };
  const orders = between('orders', 'shop', 'warehouse');
  assert.deepEqual(await found(), [3, 3]);
  assert.deepEqual(await found({ ...orders, spec: { ...orders.spec, mode: 'Id' } }), [3, 1]);
  assert.deepEqual(await found({ ...orders, spec: { ...orders.spec, mode: 'Snapshot' } }), [1, 1]);
});

test('a DataSource that does not answer delays neither the others nor their Syncs', async () => {
  const silent = Promise.withResolvers<never>();
  const known = new Set<string>();
  const othersKnown = Promise.withResolvers<void>();
  const checking = checkAll(
    {
      dataSources: ['shop', 'warehouse', 'silent'].map((name) => dataSourceOf(name)),
      syncs: [between('orders', 'shop', 'warehouse'), between('lost', 'shop', 'silent')],
      check: (dataSource: DataSource) =>
        dataSource.name === 'silent' ? silent.promise : Promise.resolve({ version: '1', findings: [] }),
      discover: () => Promise.resolve([]),
      plan: () => Promise.resolve({ columns: [], statements: [], findings: [] }),
      offsetEffect: () => Promise.reject(new Error('not asked')),
    },
    ({ kind, name }) => {
      known.add(`${kind} ${name}`);
      if (known.size === 3) othersKnown.resolve();
    },
  );
  await othersKnown.promise;
  assert.deepEqual([...known].sort(), [
    'DataSource default/shop',
    'DataSource default/warehouse',
    'Sync default/orders',
  ]);
  silent.reject(transient('NoAgentAnswered', 'no agent has answered in time'));
  assert.deepEqual(
    (await checking).map(({ name, isUnanswered, notCheckedFor }) => [name, isUnanswered, notCheckedFor]),
    [
      ['default/shop', undefined, undefined],
      ['default/warehouse', undefined, undefined],
      ['default/silent', true, undefined],
      ['default/orders', undefined, undefined],
      ['default/lost', undefined, ['default/silent']],
    ],
  );
});
