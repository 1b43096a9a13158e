import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanent, transient } from '../../core/errors.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { EventRecorder } from './events.ts';
import type { KubernetesObject, Resource } from './objects.ts';

const resource: Resource = { group: 'x', version: 'v1', plural: 'widgets', kind: 'Widget' };
const object: KubernetesObject = {
  metadata: { name: 'one', namespace: 'default', uid: 'u', resourceVersion: '1' },
};
const objectEvent = { type: 'Warning', reason: 'InUse', action: 'Delete', note: 'it is in use' } as const;

function recorded(answers: readonly (Error | undefined)[]) {
  const clock = new TestClock();
  const dropped: string[] = [];
  const notes: string[] = [];
  let calls = 0;
  const series: unknown[] = [];
  const patch = async (_resource: Resource, _ref: unknown, event: { readonly series: { count: number } }) =>
    void series.push(event.series.count);
  const create = async (_resource: Resource, event: { readonly note?: string }) => {
    const error = answers[calls++];
    if (error) throw error;
    notes.push(event.note ?? '');
  };
  const recorder = new EventRecorder({
    client: { create, patch } as never,
    controller: 'idra.dev/operator',
    instance: 'test',
    clock,
    onDropped: (cause) => void dropped.push(cause),
  });
  return { recorder, clock, dropped, notes, series, calls: () => calls };
}

test('an event that an overloaded API server did not accept is written later', async () => {
  const busy = transient('KubernetesThrottled', 'too many requests');
  const { recorder, clock, dropped, notes } = recorded([busy, busy]);
  recorder.record(resource, object, objectEvent);
  recorder.record(resource, object, { ...objectEvent, note: 'another, which does not wait for it' });
  await clock.advance(30_000);
  await recorder.flush();
  assert.deepEqual(notes.toSorted(), ['another, which does not wait for it', 'it is in use']);
  assert.deepEqual(dropped, []);
});

test('an event whose answer was lost exists; one that is refused or never accepted is counted', async () => {
  const lost = transient('KubernetesTimeout', 'no answer');
  const there = permanent('KubernetesAlreadyExists', 'it exists');
  const first = recorded([lost, there]);
  first.recorder.record(resource, object, objectEvent);
  await first.clock.advance(30_000);
  assert.deepEqual(first.dropped, []);

  const second = recorded([permanent('KubernetesForbidden', 'the namespace is being deleted')]);
  second.recorder.record(resource, object, objectEvent);
  await second.clock.advance(30_000);
  assert.deepEqual([second.dropped, second.calls()], [['KubernetesForbidden'], 1]);

  const third = recorded([lost, lost, lost, lost, lost]);
  third.recorder.record(resource, object, objectEvent);
  await third.clock.advance(120_000);
  assert.deepEqual([third.dropped, third.calls()], [['KubernetesTimeout'], 4]);
});

test('a message is limited in bytes, as the API server counts them', async () => {
  const { recorder, clock, notes } = recorded([]);
  recorder.record(resource, object, { ...objectEvent, note: 'ä'.repeat(1_000) });
  await clock.advance(1);
  await recorder.flush();
  assert.ok(Buffer.byteLength(notes[0] ?? '') <= 1_024, notes[0]);
});

test('an event that repeats soon is counted after a delay, without waiting for another repetition', async () => {
  const { recorder, clock, notes, series } = recorded([]);
  recorder.record(resource, object, objectEvent);
  await clock.advance(5_000);
  recorder.record(resource, object, objectEvent);
  recorder.record(resource, object, objectEvent);
  await clock.advance(30_000);
  assert.deepEqual([notes.length, series], [1, []]);
  await clock.advance(30_000);
  assert.deepEqual([notes.length, series], [1, [3]]);
  recorder.record(resource, object, objectEvent);
  await recorder.close();
  await clock.advance(120_000);
  assert.deepEqual(series, [3], 'nothing is written after the end');
});
