import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { IdraError } from '../core/errors.ts';
import { projectFolder, runCommand } from '../e2e/kit/processes.ts';
import { readAgentConfig } from './config.ts';

const etcd = { IDRA_ETCD_ENDPOINTS: 'http://127.0.0.1:2379' };

test('defaults', () => {
  const { name, leaseTtlMs, drainTimeoutMs, labels, watchNamespaces, healthPort, log } =
    readAgentConfig(etcd);
  assert.deepEqual([name, leaseTtlMs, drainTimeoutMs], [hostname(), 10_000, 25_000]);
  assert.deepEqual([labels, watchNamespaces, healthPort], [{}, [], undefined]);
  assert.deepEqual(log, { level: 'info', format: 'text' });
});

for (const [variable, value] of Object.entries({
  IDRA_ETCD_ENDPOINTS: 'not an address',
  IDRA_AGENT_NAME: 'a/b',
  IDRA_AGENT_LABELS: 'zone',
  IDRA_LEASE_TTL: '1s',
  IDRA_DRAIN_TIMEOUT: 'soon',
  IDRA_SQLITE_ROOT: 'files',
  IDRA_HEALTH_PORT: 'http',
  IDRA_MAX_BYTES_IN_FLIGHT: 'much',
  IDRA_LOG_LEVEL: 'loud',
})) {
  test(`an error names the invalid ${variable}`, () => {
    assert.throws(
      () => readAgentConfig({ ...etcd, [variable]: value }),
      (error) => error instanceof IdraError && error.path === variable && error.disposition === 'permanent',
    );
  });
}

test('the command ends with status 2 and one line that names the valid values', async () => {
  const { code, stderr } = await runCommand(`${projectFolder}/bin/idra`, ['agent'], {
    env: { ...etcd, IDRA_LEASE_TTL: 'long' },
  });
  assert.equal(code, 2);
  assert.equal(
    stderr,
    'idra agent: IDRA_LEASE_TTL: "long" is not valid; use an integer and ms, s, m or h: 10s\n',
  );
});
