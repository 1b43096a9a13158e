import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { LoadMeter } from './load-meter.ts';

test('the load of a Sync that writes continuously grows; a single burst moves nothing', () => {
  let nowMs = 0;
  const meter = new LoadMeter({ ...systemClock, monotonicMs: () => nowMs });
  const pass = (busyMs: number) => {
    nowMs += 10_000;
    meter.add('busy', busyMs);
    meter.add('calm', 10);
    return meter.loads();
  };
  assert.deepEqual(meter.loads(), {});
  assert.equal(pass(2_000).busy, 1);
  for (let index = 0; index < 60; index++) pass(10_000);
  const loads = pass(10_000);
  assert.ok((loads.busy ?? 0) > 4 && (loads.busy ?? 0) <= 8, `it is ${loads.busy}`);
  assert.equal(loads.calm, 1);
  // A small decrease is noise.
  assert.equal(pass(9_000).busy, loads.busy);
  meter.forget('busy');
  assert.deepEqual(Object.keys(meter.loads()), ['calm']);
});

test('a pass that has moved rows for a while is reported until it ends', () => {
  let nowMs = 0;
  const meter = new LoadMeter({ ...systemClock, monotonicMs: () => nowMs });
  meter.add('long', 10);
  meter.add('short', 10);
  meter.passEnded('short');
  assert.deepEqual(meter.midPass(), [], 'it may be over at once');
  nowMs = 5_000;
  meter.add('short', 10);
  assert.deepEqual(meter.midPass(), ['long']);
  meter.passEnded('long');
  assert.deepEqual(meter.midPass(), []);
});
