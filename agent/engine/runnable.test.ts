import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepOffsetCommand, namingSync } from '../../core/commands.ts';
import { bySeverity, describeError, type Finding, IdraError } from '../../core/errors.ts';
import { requireRunnable, type SyncPlan } from './plan.ts';

const findings: readonly Finding[] = [
  { severity: 'warning', code: 'TypeNote', message: 'a note' },
  { severity: 'error', code: 'TypeNotKept', path: 'spec.source', message: 'one', fix: 'do this' },
  { severity: 'info', code: 'NoLocalInfile', message: 'slow' },
  { severity: 'error', code: 'ColumnMissing', path: 'spec.schemaChanges', message: 'two', fix: 'do that' },
];

test('a plan with errors is refused with the first one, and each finding keeps its own remedy', () => {
  assert.throws(
    () => requireRunnable({ findings } as unknown as SyncPlan),
    (error) =>
      error instanceof IdraError &&
      error.code === 'TypeNotKept' &&
      describeError(error) === 'spec.source: one; do this; and spec.schemaChanges: two; do that',
  );
  requireRunnable({ findings: findings.filter((each) => each.severity !== 'error') } as unknown as SyncPlan);
});

test('errors are reported before warnings', () => {
  assert.deepEqual(
    bySeverity(findings).map((each) => each.code),
    ['TypeNotKept', 'ColumnMissing', 'TypeNote', 'NoLocalInfile'],
  );
});

test('remedies are commands that can be pasted', () => {
  const text = `run ${keepOffsetCommand} to go on`;
  assert.equal(
    namingSync(text, { namespace: 'default', name: 'orders' }),
    'run idra keep-offset orders to go on',
  );
  assert.equal(
    namingSync(text, { namespace: 'team-a', name: 'orders' }),
    'run idra keep-offset orders -n team-a to go on',
  );
});
