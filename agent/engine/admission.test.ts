import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdraError } from '../../core/errors.ts';
import type { Sync } from '../../core/sync-spec.ts';
import { type AdmitInput, admit } from './admission.ts';
import { fieldHashes } from './offset-fingerprint.ts';
import { sameSystems } from './system-change.ts';
import { row, spec, sync } from './test-objects.ts';

const input = (change: Partial<AdmitInput> = {}): AdmitInput => ({
  sync,
  fingerprint: 'm',
  systems: sameSystems,
  rows: [],
  table: 'sales.orders',
  existing: {},
  hasRows: false,
  restartsPass: false,
  order: ['id number'],
  decision: undefined,
  ...change,
});
const append = { ...sync, spec: { ...spec, writeMode: 'Append' as const } };

test('admission depends on what the destination holds', () => {
  const cases: [string, AdmitInput, string][] = [
    ['nothing there', input(), 'start'],
    ['own row of the same fingerprint', input({ rows: [row()], hasRows: true }), 'go-on'],
    ['own row of another fingerprint', input({ rows: [row({ fingerprint: 'old' })] }), 'OffsetNoLongerFits'],
    [
      'the same, with keep-offset',
      input({ rows: [row({ fingerprint: 'old' })], decision: 'keep-offset' }),
      'go-on',
    ],
    ['the same, with restart', input({ rows: [row({ fingerprint: 'old' })], decision: 'restart' }), 'start'],
    ['a namesake with another uid', input({ rows: [row({ uid: 'u0' })] }), 'OffsetNoLongerFits'],
    ['the same, with keep-offset', input({ rows: [row({ uid: 'u0' })], decision: 'keep-offset' }), 'adopt'],
    ['a closed namesake', input({ rows: [row({ uid: 'u0', isClosed: true })] }), 'start'],
    ['own row, closed', input({ rows: [row({ isClosed: true })] }), 'start'],
    [
      'own row for another table',
      input({ rows: [row({ table: 'sales.old', fingerprint: 'old' })] }),
      'OffsetNoLongerFits',
    ],
    ['Append onto rows', input({ sync: append, hasRows: true }), 'DestinationNotEmpty'],
    ['Append onto rows of its own', input({ sync: append, hasRows: true, rows: [row()] }), 'go-on'],
    ['Upsert onto rows', input({ hasRows: true }), 'start'],
    [
      'Append onto rows that are to be kept',
      input({
        hasRows: true,
        sync: {
          ...append,
          spec: { ...append.spec, destination: { ...spec.destination, existingRows: 'Keep' } },
        },
      }),
      'start',
    ],
  ];
  for (const [name, given, expected] of cases) assert.equal(outcome(given), expected, name);
});

const replace = { ...sync, spec: { ...spec, mode: 'Snapshot', writeMode: 'Replace' } } as const;
const largest = { ...sync, spec: { ...spec, mode: 'LastDestinationId' } } as const;
const snapshotAt = (key: readonly string[] | null, isComplete = false) =>
  row({ offset: JSON.stringify({ mode: 'Snapshot', pass: 1, key, isComplete }), rows: 5, target: '7' });

test('an offset belongs to the table that its rows were written to', () => {
  const moved = row({ offset: '{"mode":"Id","id":"5"}', rows: 5, target: '7' });
  const { target: _, ...unnamed } = moved;
  const refused = 'OffsetNoLongerFits';
  const cases: [string, Partial<AdmitInput>, string][] = [
    ['the same table', { rows: [moved], existing: { identity: '7' } }, 'go-on'],
    ['the same table, emptied', { rows: [moved], existing: { identity: '7' } }, 'go-on'],
    ['a table that is gone', { rows: [moved], existing: null }, refused],
    ['another one of its name', { rows: [moved], existing: { identity: '8' }, hasRows: true }, refused],
    [
      'gone, with keep-offset',
      { rows: [moved], existing: null, decision: 'keep-offset' },
      'go-on, new table',
    ],
    ['gone, with restart', { rows: [moved], existing: null, decision: 'restart' }, 'start'],
    ['without identity, with rows', { rows: [unnamed], hasRows: true }, 'go-on'],
    ['without identity, empty', { rows: [unnamed] }, refused],
    ['without identity, with nothing moved', { rows: [{ ...unnamed, rows: 0 }] }, 'go-on'],
    ['an older row, empty', { rows: [unnamed], existing: { identity: '8' } }, refused],
    ['a Snapshot in the middle', { rows: [snapshotAt(['4'])], existing: null }, refused],
    ['a complete Snapshot', { rows: [snapshotAt(null, true)], existing: null }, 'go-on, new table'],
    [
      'a Replace in the middle',
      { sync: replace, rows: [snapshotAt(['4'])], existing: null },
      'go-on, new table',
    ],
    ['a Replace swaps by itself', { sync: replace, rows: [snapshotAt(null, true)] }, 'go-on'],
    ['no offset is kept', { sync: largest, rows: [row({ rows: 5 })], existing: null }, 'go-on, new table'],
  ];
  for (const [name, given, expected] of cases) assert.equal(outcome(input(given)), expected, name);
});

test('an offset belongs to the order that it is a position in', () => {
  const by = (...order: string[]) =>
    row({ offset: JSON.stringify({ mode: 'Id', id: '5', by: order }), rows: 5, target: '7' });
  const there = { existing: { identity: '7' }, hasRows: true };
  const cases: [string, Partial<AdmitInput>, string][] = [
    ['the same order', { rows: [by('id number')] }, 'go-on'],
    ['of an older version', { rows: [row({ offset: '{"mode":"Id","id":"5"}', target: '7' })] }, 'go-on'],
    ['the id is no longer unique', { rows: [by('id number')], order: ['id number', 'k text'] }, 'go-on'],
    ['another column', { rows: [by('code number')] }, 'OffsetNoLongerFits'],
    ['the number has become a text', { rows: [by('id text')] }, 'OffsetNoLongerFits'],
    ['the same, with keep-offset', { rows: [by('id text')], decision: 'keep-offset' }, 'go-on'],
    [
      'of more values, with keep-offset',
      { rows: [by('id number', 'k text')], decision: 'keep-offset' },
      'OffsetNoLongerFits',
    ],
    ['the same, with restart', { rows: [by('id text')], decision: 'restart' }, 'start'],
  ];
  for (const [name, given, expected] of cases)
    assert.equal(outcome(input({ ...there, ...given })), expected, name);
});

const [at1, at2, at3] = ['1', '2', '3'].map((id) => JSON.stringify({ mode: 'Id', id })) as [
  string,
  string,
  string,
];

test('keep-offset continues from the offset that was reached at another table or destination', () => {
  const old = row({
    table: 'sales.old',
    fingerprint: 'old',
    offset: at1,
    rows: 3,
    time: '2026-11-24T00:00:00Z',
  });
  const newer = { ...old, table: 'sales.newer', offset: at2, rows: 4, time: '2026-11-25T00:00:00Z' };
  const elsewhere = { offset: at3, rows: 9 };
  assert.deepEqual(admit(input({ rows: [newer, old], decision: 'keep-offset', elsewhere })), {
    kind: 'move',
    from: { offset: at2, rows: 4 },
  });
  assert.deepEqual(admit(input({ decision: 'keep-offset', elsewhere })), { kind: 'move', from: elsewhere });
  assert.equal(outcome(input({ elsewhere })), 'OffsetNoLongerFits');
  assert.equal(outcome(input({ elsewhere: { offset: null, rows: 0 } })), 'start');
  assert.equal(outcome(input({ elsewhere, decision: 'restart' })), 'start');
});

test('a refusal names the fields that changed, if the ones of the offset are known', () => {
  const addresses = { source: ['a'], destination: ['b'] };
  const ends = (of: Sync, fingerprint: string) => ({
    fingerprint,
    source: { address: ['a'], identity: [] },
    destination: { address: ['b'], identity: [] },
    fields: fieldHashes(of, addresses),
  });
  const other = {
    ...sync,
    spec: { ...spec, source: { ...spec.source, table: 'public.other', idField: 'nr' } },
  };
  const refusal = (change: Partial<AdmitInput>) => {
    const rows = [row({ fingerprint: 'old', offset: at1 })];
    try {
      admit(input({ sync: other, rows, now: ends(other, 'm'), ...change }));
    } catch (error) {
      assert.ok(error instanceof IdraError);
      return [error.path, /fits: (.*) changed/.exec(error.message)?.[1]];
    }
    return [];
  };
  const unknown = ['spec', 'the source, table, query, mode, field, key or destination'];
  assert.deepEqual(refusal({ known: ends(sync, 'old') }), [
    'spec.source.table',
    'spec.source.table, spec.source.idField',
  ]);
  assert.deepEqual(refusal({}), unknown);
  assert.deepEqual(refusal({ known: ends(sync, 'of another claim') }), unknown);
  const { fields: _, ...older } = ends(sync, 'old');
  assert.deepEqual(refusal({ known: older }), unknown);
  const snapshot = { ...sync, spec: { ...spec, mode: 'Snapshot' as const } };
  assert.equal(refusal({ sync: snapshot, now: ends(snapshot, 'm') })[0], 'spec.mode');
});

function outcome(given: AdmitInput): string {
  try {
    const admission = admit(given);
    return admission.kind === 'go-on' && admission.hasNewTable ? 'go-on, new table' : admission.kind;
  } catch (error) {
    assert.ok(error instanceof IdraError && error.fix, 'the refusal says what to do');
    return error.code;
  }
}
