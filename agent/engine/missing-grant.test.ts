import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyDestination, Connector } from '../../core/connector.ts';
import { type Finding, type IdraError, permanent } from '../../core/errors.ts';
import { namingGrant } from './missing-grant.ts';
import { spec } from './test-objects.ts';

const { signal } = new AbortController();
const refusal = permanent('PermissionDenied', 'permission denied for table orders', {
  fix: 'GRANT the right',
});

/** What is said about this refusal if the source knows `ofSource`, and the check of the destination finds `findings`. */
async function named(thrown: unknown, ofSource?: string, findings: readonly Partial<Finding>[] | Error = []) {
  const check = async () => {
    if (findings instanceof Error) throw findings;
    return findings;
  };
  const ends = {
    spec,
    source: {
      connector: { missingGrant: async () => ofSource } as unknown as Connector,
      access: {} as never,
    },
    destination: { check } as unknown as AnyDestination,
  };
  return (await namingGrant(thrown, ends, signal)) as IdraError;
}

test('a refusal gets the statement that the source or the check of the destination knows', async () => {
  const missing = { code: 'PermissionDenied', path: 'spec.destination.dataSource' } as const;
  const both = [
    { ...missing, fix: 'GRANT INSERT ON t TO u' },
    { code: 'TableUnlogged', fix: 'ALTER TABLE' } as const,
    { ...missing, fix: 'GRANT CREATE ON SCHEMA s TO u' },
  ];
  const destination = await named(refusal, undefined, both);
  assert.deepEqual(
    [destination.code, destination.disposition, destination.path, destination.fix],
    [
      'PermissionDenied',
      'permanent',
      'spec.destination.dataSource',
      'GRANT INSERT ON t TO u; GRANT CREATE ON SCHEMA s TO u',
    ],
  );
  assert.match(destination.message, /for table orders$/);
  const source = await named(refusal, 'GRANT SELECT ON t TO u', both);
  assert.deepEqual([source.path, source.fix], ['spec.source.dataSource', 'GRANT SELECT ON t TO u']);
});

test('a refusal of the destination is never remedied by a right at the source', async () => {
  const refused = permanent('PermissionDenied', 'permission denied for table salaries', {
    path: 'spec.destination.dataSource',
    fix: 'GRANT the right',
  });
  assert.equal(await named(refused, 'GRANT SELECT ON salaries TO u'), refused);
});

test('an error that names its statement, or is no refusal, stays what it is', async () => {
  const known = permanent('PermissionDenied', 'SELECT denied', { fix: 'GRANT SELECT ON t TO u' });
  const other = permanent('TableNotFound', 'no table');
  for (const error of [known, other, new Error('other')])
    assert.equal(await named(error, 'GRANT UPDATE ON t TO u'), error);
  assert.equal(await named(refusal), refusal);
  assert.equal(await named(refusal, undefined, new Error('the server is gone')), refusal);
});
