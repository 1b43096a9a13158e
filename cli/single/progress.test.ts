import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyncStatus } from '../../core/status.ts';
import type { Sync } from '../../core/sync-spec.ts';
import { makeProgress, type Screen } from './progress.ts';

class TestScreen implements Screen {
  readonly columns: number;
  readonly isTerminal: boolean;
  text = '';
  constructor(isTerminal: boolean, columns = 80) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }
  write(text: string): void {
    this.text += text;
  }
}

const sync = (name: string) => ({ uid: name, namespace: 'default', name }) as Sync;
const status = (state: SyncStatus['state'], written: number, more: Partial<SyncStatus> = {}): SyncStatus => ({
  uid: 'u',
  observedGeneration: 1,
  state,
  reason: state,
  message: `it is ${state}`,
  hasCaughtUp: false,
  rows: { read: written, written, deleted: 0, rejected: 0 },
  observedAt: '2026-11-24T08:00:00Z',
  ...more,
});

test('on a terminal: one line per Sync, redrawn in place, never wider than the screen', () => {
  const screen = new TestScreen(true, 50);
  const progress = makeProgress('auto', screen);
  progress.update(
    sync('orders'),
    status('Running', 1_234_567, { rowsPerSecond: 84_000, offsetText: 'x'.repeat(200) }),
  );
  progress.update(sync('customers'), status('Running', 1));
  progress.update(sync('customers'), status('Waiting', 2));
  progress.end();
  const esc = String.fromCharCode(27);
  const lines = screen.text.replaceAll(`${esc}[2K`, '').trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^orders +Running +1,234,567 rows/);
  assert.match(lines[1] ?? '', /^customers +Waiting +2 rows +it is W$/);
  assert.ok(lines.every((line) => line.length < 50));
});

test('other output on a terminal is printed above the lines, which are redrawn below it', () => {
  const screen = new TestScreen(true);
  const progress = makeProgress('auto', screen);
  progress.update(sync('orders'), status('Running', 1));
  progress.print?.('stopping\n');
  progress.end();
  assert.match(
    screen.text.replaceAll(String.fromCharCode(27), ''),
    /^stopping\n\[2Korders .*\n\[1A\[2Korders .*\n$/,
  );
});

test('without a terminal: a line for each change, not one for each repeated pass', () => {
  const screen = new TestScreen(false);
  const progress = makeProgress('auto', screen);
  for (let pass = 0; pass < 5; pass++) {
    progress.update(sync('orders'), status('Running', pass));
    progress.update(sync('orders'), status('Waiting', pass));
  }
  progress.update(sync('orders'), status('Failed', 4));
  progress.end();
  assert.deepEqual(
    screen.text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/)[1]),
    ['Running', 'Waiting', 'Failed'],
  );
});
