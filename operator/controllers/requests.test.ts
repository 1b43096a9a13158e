import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestStatus } from '../../core/status.ts';
import { annotationOf, mergeRequests, parseRequest, requestsIn } from './requests.ts';

describe('the value of an annotation', () => {
  test('any text is the id of the request', () => {
    assert.deepEqual(parseRequest('run-now', ' 2026-11-24T08:00 '), {
      type: 'run-now',
      id: '2026-11-24T08:00',
      request: { type: 'run-now', id: '2026-11-24T08:00', by: 'annotation idra.dev/run-now' },
    });
  });

  test('JSON contains the requester and the id', () => {
    const asked = parseRequest('restart', '{"id":"7","by":"ann"}');
    assert.deepEqual('request' in asked && asked.request, { type: 'restart', id: '7', by: 'ann' });
  });

  test('an offset request has value and expect; its id is derived from both, so that it is executed once', () => {
    const asked = parseRequest('offset', '{"value": 41000, "expect": "42000"}');
    assert.ok('request' in asked);
    assert.deepEqual(asked.request.offset, { value: '41000', expect: '42000' });
    assert.match(asked.id, /^sha256-[0-9a-f]{16}$/);
    assert.equal(parseRequest('offset', '{"value": 41000, "expect": "42000"}').id, asked.id);
    assert.notEqual(parseRequest('offset', '{"value": 41000, "expect": "41000"}').id, asked.id);
  });

  test('an undo may say which change it means', () => {
    const asked = parseRequest('undo-offset', '{"id":"7","by":"ann","value":"1","expect":"2"}');
    const request = { type: 'undo-offset', id: '7', by: 'ann', offset: { value: '1', expect: '2' } };
    assert.deepEqual('request' in asked && asked.request, request);
    const plain = parseRequest('undo-offset', '{"id":"7","by":"ann"}');
    assert.deepEqual('request' in plain && plain.request, { type: 'undo-offset', id: '7', by: 'ann' });
    assert.ok('refusal' in parseRequest('undo-offset', '{"id":"7","value":"1"}'));
  });

  for (const [value, says] of [
    ['41000', /no "value" or no "expect".*write it as/],
    ['{"value": "1"}', /no "value" or no "expect"/],
    ['{"value": "1", "expect": "2"', /is not valid JSON/],
    ['{"value": "1", "expect": "2", "extra": "3"}', /field extra/],
    ['{"value": ["1"], "expect": "2"}', /field value/],
  ] as const) {
    test(`an invalid offset is refused: ${value}`, () => {
      const asked = parseRequest('offset', value);
      assert.match('refusal' in asked ? asked.refusal : '', says);
    });
  }

  test('a long text is replaced by its hash, because the id becomes part of a key', () => {
    assert.ok(parseRequest('run-now', 'x'.repeat(100_000)).id.length < 40);
  });

  test('requests written by the command line are read back', () => {
    const request = {
      type: 'offset',
      id: 'i',
      by: 'ann',
      offset: { value: 'pass 1', expect: 'none' },
    } as const;
    const asked = parseRequest('offset', annotationOf(request));
    assert.deepEqual('request' in asked && asked.request, request);
  });

  test('other annotations are not requests', () => {
    assert.deepEqual(requestsIn({ 'idra.dev/suspend': 'true', 'example.com/run-now': '1' }), []);
    assert.deepEqual(requestsIn(undefined), []);
  });
});

describe('the last request of each type', () => {
  const done = (id: string): RequestStatus => ({ type: 'run-now', id, state: 'Done', message: '', time: '' });
  const accepted = (id: string): RequestStatus => ({ ...done(id), state: 'Accepted' });
  const asked = (id: string) => requestsIn({ 'idra.dev/run-now': id });

  test("an agent's answer replaces the accepted request", () => {
    assert.deepEqual(mergeRequests([accepted('b')], [done('b')], asked('b')), [done('b')]);
  });
  test('an accepted request is kept when an earlier one is answered', () => {
    assert.deepEqual(mergeRequests([accepted('b')], [done('a')], asked('b')), [accepted('b')]);
  });
  test('it is kept if no agent knows of it, for example with a new etcd', () => {
    assert.deepEqual(mergeRequests([done('b')], [], asked('b')), [done('b')]);
    assert.deepEqual(mergeRequests([done('b')], [], []), [done('b')]);
  });
  test('a request that was not made by annotation is displayed too', () => {
    assert.deepEqual(mergeRequests([done('b')], [done('c')], []), [done('c')]);
  });
});

test('a request is limited in size, and any id can be part of a key', () => {
  const long = parseRequest('run-now', JSON.stringify({ id: '1', by: 'x'.repeat(1_000) }));
  assert.match('refusal' in long ? long.refusal : '', /field by of more than 253 characters/);
  const offset = parseRequest('offset', JSON.stringify({ value: '1'.repeat(5_000), expect: '' }));
  assert.match('refusal' in offset ? offset.refusal : '', /field value of more than 4096 characters/);
  assert.match(parseRequest('run-now', '{"id":"\\ud800"}').id, /^sha256-/);
});
