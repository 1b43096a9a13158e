import type { TestEnd, TestRow, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { definition } from './definition.ts';
import { type Manifest, manifestKey } from './destination/commit-rows.ts';
import { TestBucket } from './test-harness.ts';

const noConstraints = 'objects have no constraints; destination.test.ts has values that a format cannot keep';

export const systems: readonly TestSystem[] = [
  {
    name: definition.title,
    definition,
    nameEnd: '/',
    lacks: {
      query: 'objects are read as they are',
      slowQuery: 'nothing is computed by the server',
      createView: 'there are no views',
      caselessKeys: 'rows of objects have no keys',
      change:
        'a prefix has no columns but those of its objects; change-stream.test.ts replaces and deletes these',
      changeNothing: 'a prefix has nothing beside its objects',
      replaceObject: 'a prefix is its objects',
      openLateRow: 'an object appears as a whole; change-stream.test.ts has uploads that end late',
      countSessions: 'the server does not list its connections',
      cutSessions: 'each call has a connection of its own; session.test.ts cuts one',
      wrongAccess: 'keys, endpoint and bucket are in other fields: session.test.ts',
      accessWithoutWriting: 'rights are given by policies, not by statements: check.test.ts',
      markedRows: 'rows cannot be changed, so deletions are refused',
      refuseDeletion: 'rows cannot be changed, so deletions are refused',
      loseHistory: 'there is no log that could lose changes',
    },
    waivers: {
      'wrong input: a missing object and an invalid name': 'every text is a valid prefix',
      'Append, onError Stop: nothing of the batch is written, and the row is named by its key alone':
        noConstraints,
      'Append, onError Skip: the refused rows are left out and named, and no other': noConstraints,
    },
    hasRawFormat: false,
    open: openSpace,
  },
];

async function openSpace(): Promise<TestSpace> {
  const bucket = await TestBucket.open();
  const source = endOf(bucket);
  const change = async (object: string, more: object) => {
    const key = manifestKey(object, `uid-${object}`);
    await bucket.put(key, JSON.stringify({ ...(await bucket.json(key)), ...more }));
  };
  return {
    source,
    destination: { ...source, insert: (object, rows) => insertCommitted(bucket, object, rows) },
    abilities: {
      transactions: true,
      storeToken: (object, token) => change(object, { token: String(token) }),
      storeOffset: (object, offset) => change(object, { offset }),
      storeNewerLayout: (object) => change(object, { layout: 99 }),
      leftovers: () => leftoversOf(bucket),
    },
    stop: () => bucket.stop(),
  };
}

/** Rows that the Sync of the object has written before. */
async function insertCommitted(bucket: TestBucket, prefix: string, rows: readonly TestRow[]): Promise<void> {
  const uid = `uid-${prefix}`;
  const object = `${prefix}before.jsonl`;
  const text = linesOf(rows);
  await bucket.put(object, text);
  const manifest: Manifest = {
    layout: 1,
    format: 'JSONLines',
    columns: [
      { name: 'id', type: 'int64', nullable: true },
      { name: 'body', type: 'text', nullable: true },
    ],
    objects: [{ key: object, rows: rows.length, bytes: text.length }],
    lists: [],
    uid,
    table: `${bucket.name}/${prefix}`,
    name: 'test/sync',
    fingerprint: 'm',
    token: '0',
    offset: null,
    rows: 0,
    closed: false,
    time: new Date(0).toISOString(),
    sequence: 0,
    attempt: '',
  };
  await bucket.put(manifestKey(prefix, uid), JSON.stringify(manifest));
}

/** What an unfinished Replace has collected, and objects that Idra has written and no manifest lists. */
async function leftoversOf(bucket: TestBucket): Promise<readonly string[]> {
  const keys = await bucket.keys('');
  const manifests = await Promise.all(
    keys.filter(isManifest).map(async (key) => ({ key, ...((await bucket.json(key)) as Manifest) })),
  );
  const sets = manifests.flatMap((each) => [
    each,
    ...(each.replacing ? [each.replacing] : []),
    ...(each.obsolete ?? []),
  ]);
  const known = new Set(sets.flatMap(({ objects }) => objects.map(({ key }) => key)));
  const unfinished = manifests
    .filter(({ replacing }) => replacing !== undefined)
    .map(({ key }) => `${key}${unfinishedEnd}`);
  return [...unfinished, ...keys.filter((key) => ofIdra.test(key) && !known.has(key))];
}

/** The name of an unfinished Replace in these tests. */
const unfinishedEnd = '#replacing';
const ofIdra = /-\d{10}-[0-9a-f]{12}-\d+[^/]*$/;
const isManifest = (key: string) => /\/_idra\/[^/]+\.json$/.test(key);

function endOf(bucket: TestBucket): TestEnd {
  let count = 0;
  const insert = (prefix: string, rows: readonly TestRow[]) =>
    bucket.put(`${prefix}${String(++count).padStart(6, '0')}.jsonl`, linesOf(rows));
  /** Writes each object again with the rows that `change` returns. */
  const rewrite = async (prefix: string, change: (row: TestRow) => TestRow | undefined) => {
    for (const key of await dataKeys(bucket, prefix)) {
      const rows = (await rowsIn(bucket, key)).flatMap((row) => change(row) ?? []);
      await bucket.put(key, linesOf(rows));
    }
  };
  return {
    access: bucket.access,
    async create() {},
    insert,
    update: (prefix, id, body) => rewrite(prefix, (row) => (row.id === id ? { ...row, body } : row)),
    delete: (prefix, id) => rewrite(prefix, (row) => (row.id === id ? undefined : row)),
    async rows(prefix) {
      const found: string[] = [];
      for (const key of await dataKeys(bucket, prefix))
        for (const { id, body } of await rowsIn(bucket, key)) found.push(`${id} ${body ?? ''}`);
      return found.toSorted(new Intl.Collator('en', { numeric: true }).compare);
    },
  };
}

/** What readers of the manifest see, and what others have put there. */
async function dataKeys(bucket: TestBucket, prefix: string): Promise<readonly string[]> {
  if (prefix.endsWith(unfinishedEnd)) {
    const { replacing } = (await bucket.json(prefix.slice(0, -unfinishedEnd.length))) as Manifest;
    return (replacing?.objects ?? []).map(({ key }) => key);
  }
  const keys = await bucket.keys(prefix);
  const manifests = await Promise.all(keys.filter(isManifest).map((key) => bucket.json(key)));
  const visible = (manifests as Manifest[])
    .filter(({ closed }) => !closed)
    .flatMap(({ objects }) => objects.map(({ key }) => key));
  return manifests.length > 0 ? visible : keys;
}

async function rowsIn(bucket: TestBucket, key: string): Promise<readonly TestRow[]> {
  const text = (await bucket.get(key)).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TestRow);
}

function linesOf(rows: readonly TestRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
