import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMetrics, type Metric, registeredMetrics } from './check-metrics.ts';

const leader: Metric = { name: 'idra_leader', type: 'gauge', labels: [], help: '1 while it leads' };
const rows: Metric = { name: 'idra_rows_total', type: 'counter', labels: ['sync'], help: 'Rows' };
const page = `| metric | type | labels | meaning |
|---|---|---|---|
| \`idra_leader\` | gauge | none | 1 while it leads |
| \`idra_rows_total\` | counter | \`sync\` | Rows |
`;

test('a page that has each metric and no other has no problems', () => {
  assert.deepEqual(checkMetrics(page, [leader, rows]), []);
});

test('a metric without a row, a row without a metric, and a row that differs are refused', () => {
  assert.deepEqual(checkMetrics(page, [leader]), [
    'docs/metrics.md: no such metric: | `idra_rows_total` | counter | `sync` | Rows |',
  ]);
  assert.deepEqual(checkMetrics(page, [leader, { ...rows, labels: [] }]), [
    'docs/metrics.md: this row is missing: | `idra_rows_total` | counter | none | Rows |',
    'docs/metrics.md: no such metric: | `idra_rows_total` | counter | `sync` | Rows |',
  ]);
});

test('agent and operator register their metrics', () => {
  const names = registeredMetrics().map(({ name }) => name);
  assert.ok(
    names.includes('idra_rows_written_total') && names.includes('idra_operator_leader'),
    names.join(),
  );
});
