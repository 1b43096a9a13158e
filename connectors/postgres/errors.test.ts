import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { classify } from './errors.ts';

function serverError(fields: Partial<pg.DatabaseError>): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(fields.message ?? 'some text', 0, 'error'), fields);
}

test('rules more specific than SQLSTATE come first; a text that may hold row data is not passed on', () => {
  const cases: readonly (readonly [fields: Partial<pg.DatabaseError>, code: string])[] = [
    [{ code: '23514', routine: 'exec_stmt_raise' }, 'RaisedByTrigger'],
    [{ code: '42601', internalQuery: "SELECT 'secret" }, 'RaisedByTrigger'],
    [{ code: '23514', routine: 'ExecFindPartition', table: 'parts' }, 'PartitionMissing'],
    [{ code: '42883', internalQuery: 'SELECT f()', where: 'PL/pgSQL function' }, 'NameInFunctionNotFound'],
    [{ code: '08P01', message: 'unsupported startup parameter: options' }, 'PoolerNotSupported'],
    [{ code: '0A000', routine: 'analyzeCTE' }, 'QueryInvalid'],
    [{ code: '23514' }, 'ConstraintViolated'],
    [{ code: '42883' }, 'QueryInvalid'],
    [{ code: '08P01' }, 'ConnectionLost'],
    [{ code: '0A000' }, 'ServerError'],
    [{ code: 'IDRAF' }, 'Fenced'],
  ];
  for (const [fields, code] of cases)
    assert.equal(classify(serverError(fields), 'writing').code, code, JSON.stringify(fields));
  const raised = classify(
    serverError({ code: 'P0001', routine: 'exec_stmt_raise', message: 'secret' }),
    'writing',
  );
  assert.doesNotMatch(raised.message, /secret/);
  assert.equal(raised.cause, undefined);
});
