import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import type { ReadRequest } from '../../../core/connector.ts';
import { readAll } from '../../sql/test-flow.ts';
import { elementsOf, onlyValue } from '../types/format.ts';
import type { Page } from './page-reader.ts';
import { type RangeReader, readPass } from './range-pass.ts';

const signal = new AbortController().signal;

/** A view that returns documents with these ids, page by page. */
function view(...pages: readonly (readonly number[])[]): RangeReader {
  const textOf = (id: number) => Buffer.from(BSON.serialize({ id: new BSON.Int32(id) }));
  return {
    fields: [],
    async *pages() {
      for (const ids of pages) {
        const page: Page = { documents: ids.map(textOf), byteCount: 1 };
        yield page;
      }
    },
    toBatch: ({ documents, byteCount }, offset) => ({
      ...{ rows: { format: 'values', rows: [] }, rowCount: documents.length, byteCount, offset },
    }),
    positionOf: (document) => {
      const [id] = [...elementsOf(document)];
      return [String(id?.bytes.readInt32LE(id.start))];
    },
    valuesOf: (position) => position.map((each) => onlyValue(textOf(Number(each)))),
    takeBound: async () => assert.fail('a Snapshot has no bound'),
    first: async () => undefined,
    largest: async () => undefined,
    countUnread: async () => 0,
  };
}

const request = (isOpaque: boolean) =>
  ({
    mode: 'Snapshot',
    key: ['id'],
    after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
    relation: { name: 'v', columns: [], keys: [], ...(isOpaque && { isOpaque }) },
  }) as unknown as ReadRequest;

test('documents of a view at one position stop the pass, also at the edge of two batches', async () => {
  for (const pages of [
    [[1, 2, 2]],
    [
      [1, 2],
      [2, 3],
    ],
  ])
    await assert.rejects(readAll(readPass(view(...pages), request(true), signal)), {
      code: 'KeyNotUnique',
      path: 'spec.source.key',
    });
  const { batches } = await readAll(readPass(view([1, 2], [3]), request(true), signal));
  assert.deepEqual(
    batches.map(({ offset }) => offset.mode === 'Snapshot' && offset.key),
    [['2'], ['3']],
  );
});
