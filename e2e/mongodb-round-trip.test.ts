import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BSON, type Document } from 'mongodb';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { extendedJson, type TestCollections, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** Documents through PostgreSQL and back: what docs/types.md says to be kept is the same BSON at the end. */
let systems: TestSystems;
let first: TestCollections;
let middle: TestDatabase;
let last: TestCollections;
let single: SingleMode;

before(async () => {
  const folder = await tempFolder('mongodb-round-trip');
  systems = new TestSystems(folder);
  first = await systems.createCollections();
  middle = await systems.createDatabase('postgres');
  last = await systems.createCollections();
  single = new SingleMode(join(folder, 'run'));
});
after(() => systems?.stop());

const nested = `{"z":{"$numberInt":"1"},"long":{"$numberLong":"9007199254740993"},"double":{"$numberDouble":"5.0"},
  "price":{"$numberDecimal":"1.10"},"at":{"$date":{"$numberLong":"1795507200123"}},"by":{"$oid":"65f0c0ffee65f0c0ffee65f0"},
  "raw":{"$binary":{"base64":"AP8=","subType":"00"}},"none":null,"nan":{"$numberDouble":"NaN"},"text":"é🌊 \\"quoted\\"","a":[[],{},[{"b":true}]]}`;

/** Fields of a document, and what is another value at the end. */
const fields: readonly (readonly [name: string, before: string, after?: string])[] = [
  ['long', '{"$numberLong":"9007199254740993"}'],
  ['least', '{"$numberLong":"-9223372036854775808"}'],
  ['most', '{"$numberLong":"9223372036854775807"}'],
  ['int', '{"$numberInt":"7"}', '{"$numberLong":"7"}'],
  ['double', '{"$numberDouble":"0.1"}'],
  ['minusZero', '{"$numberDouble":"-0.0"}'],
  ['nan', '{"$numberDouble":"NaN"}'],
  ['decimal34', '{"$numberDecimal":"1234567890123456789012345678901.234"}'],
  ['decimalZeros', '{"$numberDecimal":"1.10"}'],
  [
    'decimalSmall',
    '{"$numberDecimal":"-0.0000000000000000000000000000000001"}',
    '{"$numberDecimal":"-1E-34"}',
  ],
  ['decimalPower', '{"$numberDecimal":"1E+3"}', '{"$numberDecimal":"1000"}'],
  ['decimalNan', '{"$numberDecimal":"NaN"}'],
  ['text', '"naïve 🌊 \\\\ \\u0001"'],
  ['yes', 'true'],
  ['date', '{"$date":{"$numberLong":"1795507200123"}}'],
  ['firstYear', '{"$date":{"$numberLong":"-62135596800000"}}'],
  ['before', '{"$date":{"$numberLong":"-62135596800001"}}'],
  ['bytes', '{"$binary":{"base64":"AP9cTg==","subType":"00"}}'],
  ['uuid', '{"$binary":{"base64":"oO68mZwLTvi7bWu5vTgKEQ==","subType":"04"}}'],
  ['oid', '{"$oid":"65f0c0ffee65f0c0ffee65f0"}', '"65f0c0ffee65f0c0ffee65f0"'],
  ['object', nested],
  ['array', `[${nested},{"$numberInt":"2"},"x"]`],
];

const parse = (json: string): Document => BSON.EJSON.parse(json, { relaxed: false });

test('MongoDB to PostgreSQL to MongoDB: documents are equal where the page says so', async () => {
  const id = '"_id":{"$numberLong":"9007199254740995"}';
  const before = `{${[id, ...fields.map(([name, value]) => `"${name}":${value}`)].join(',')}}`;
  const after = `{${[id, ...fields.map(([name, value, other]) => `"${name}":${other ?? value}`)].join(',')}}`;
  const sparse = `{"_id":{"$numberLong":"-1"},"text":"only this"}`;
  await first.collection('things').insertMany([parse(before), parse(sparse)] as never);
  await single.write(
    [
      first.manifest('first'),
      middle.manifest('middle'),
      last.manifest('last'),
      syncManifest('there', {
        source: { dataSource: 'first', collection: 'things' },
        destination: { dataSource: 'middle', ...middle.object('things') },
        mode: 'Snapshot',
      }),
      syncManifest('back', {
        source: { dataSource: 'middle', ...middle.object('things') },
        destination: { dataSource: 'last', collection: 'things' },
        mode: 'Snapshot',
      }),
    ].join(''),
  );
  await single.runWell({ only: 'there' });
  await single.runWell({ only: 'back' });
  const found = (await last.documents('things')).map((text) => JSON.parse(text));
  assert.deepEqual(found, [JSON.parse(sparse), JSON.parse(extendedJson(parse(after)))]);
});
