import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, beforeEach, describe, test } from 'node:test';
import { openStateFile } from '../coordination/single/state-file.ts';
import type { Finding } from '../core/errors.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { type Cli, processCli } from './cli.ts';
import { InputWrong } from './findings.ts';
import {
  chooseSyncs,
  findDataSource,
  identifySyncs,
  readManifests,
  withoutState,
  withStateOf,
} from './manifests.ts';
import { idra } from './test-cli.ts';

let folder: string;
let parent: string;
let count = 0;

before(async () => {
  parent = await tempFolder('manifests');
});
beforeEach(async () => {
  folder = join(parent, String(count++));
  await mkdir(folder);
});

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

function read(path: string, env: Cli['env'] = {}) {
  return readManifests({ ...processCli(), env }, path);
}

/** `file:line:column path`, without the folder. */
async function wrong(
  files: Readonly<Record<string, string>>,
  env: Cli['env'] = {},
): Promise<readonly Finding[]> {
  const path = await write(files);
  try {
    read(path, env);
  } catch (error) {
    assert.ok(error instanceof InputWrong, String(error));
    return error.findings.map((each) => ({ ...each, place: each.place?.replace(`${path}/`, '') }));
  }
  assert.fail('it was taken');
}

function places(findings: readonly Finding[]): string[] {
  return findings.map(({ place, path }) => `${place} ${path ?? ''}`.trim());
}

const system = (name: string, field = 'sqlite: { path: a.db }') => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: { ${field} }
`;
const withPassword = `postgres: { host: db, database: d, user: u, passwordSecretRef: { name: shop-db, key: password } }`;
const sync = (name: string, fields = 'mode: Snapshot') => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec:
  source: { dataSource: shop, table: a }
  destination: { dataSource: shop, table: b }
  ${fields}
`;

describe('valid manifests', () => {
  test('come from a file, a folder, several documents, YAML and JSON, and a List', async () => {
    const json = {
      apiVersion: 'idra.dev/v1alpha1',
      kind: 'Sync',
      metadata: { name: 'three', namespace: 'team-a' },
    };
    const spec = {
      source: { dataSource: 'own', table: 'a' },
      destination: { dataSource: 'own', table: 'b' },
      mode: 'Snapshot',
    };
    const own = {
      ...json,
      kind: 'DataSource',
      metadata: { name: 'own', namespace: 'team-a' },
      spec: { sqlite: { path: 'c.db' } },
    };
    const path = await write({
      'a.yaml': `# first\n---\n${system('shop')}---\n${sync('one')}---\n`,
      'b.yml': `${sync('two')}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: team-a }\n`,
      'c.json': JSON.stringify(
        { apiVersion: 'v1', kind: 'List', items: [{ ...json, spec }, own] },
        undefined,
        '\t',
      ),
      'notes.txt': 'not a manifest',
    });
    const manifests = read(path);
    assert.deepEqual(
      manifests.syncs.map((each) => `${each.namespace}/${each.name}`),
      ['default/one', 'default/two', 'team-a/three'],
    );
    assert.equal(findDataSource(manifests)('team-a', 'own')?.spec.config.path, 'c.db');
    assert.equal(findDataSource(manifests)('default', 'own'), undefined);
    assert.equal(read(join(path, 'a.yaml')).syncs.length, 1);
  });

  test('give secrets by manifest, data and stringData, and otherwise by the environment', async () => {
    const secret = (fields: string) =>
      `apiVersion: v1\nkind: Secret\nmetadata: { name: shop-db }\n${fields}\n---\n`;
    const reveal = async (text: string, env: Cli['env']) => {
      const { secrets } = read(await write({ 'a.yaml': `${text}${system('shop', withPassword)}` }), env);
      return (await secrets.read('default', 'shop-db', 'password')).reveal();
    };
    const env = { IDRA_SECRET_SHOP_DB__PASSWORD: 'from the environment' };
    assert.equal(await reveal(secret('data: { password: cGFzcw== }'), env), 'pass');
    assert.equal(
      await reveal(secret('data: { password: cGFzcw== }\nstringData: { password: text }'), {}),
      'text',
    );
    assert.equal(await reveal('', env), 'from the environment');
    assert.equal(await reveal(secret('stringData: { user: u }'), env), 'from the environment');
  });
});

describe('invalid manifests', () => {
  test('are reported all at once, each with file, line, column and field', async () => {
    const findings = await wrong({
      'a.yaml': `${system('shop')}---\n${sync('one', 'mod: Snapshot')}`,
      'b.yaml': `${sync('two', 'mode: Id')}---\n${sync('Three')}`,
      'c.yaml': 'a: [1\n',
      'd.yaml': '- 1\n',
    });
    assert.deepEqual(places(findings), [
      'a.yaml:9:1 spec.mode',
      'a.yaml:12:3 spec.mod',
      'b.yaml:5:3 spec.source.idField',
      'b.yaml:11:13 metadata.name',
      'c.yaml:2:1',
      'd.yaml:1:1',
    ]);
    for (const each of findings) assert.ok(each.fix, each.message);
  });

  test('with an unknown kind, version or field get a suggestion', async () => {
    const findings = await wrong({
      'a.yaml': system('shop').replace('DataSource', 'Datasource'),
      'b.yaml': system('shop').replace('v1alpha1', 'v1'),
      'c.yaml': system('shop').replace('apiVersion: idra.dev/v1alpha1\n', ''),
      'd.yaml': system('shop').replace('spec:', 'specs:'),
    });
    assert.deepEqual(
      findings.map(({ place, message, fix }) => `${place} ${message}; ${fix}`),
      [
        'a.yaml:2:1 there is no kind Datasource; did you mean DataSource?',
        'b.yaml:1:1 apiVersion is idra.dev/v1; write idra.dev/v1alpha1',
        'c.yaml:1:1 apiVersion is missing; write apiVersion: idra.dev/v1alpha1, or v1 for a Secret',
        'd.yaml:1:1 a DataSource must set exactly one system; keep one of postgres, mysql, sqlite, sqlserver, kafka, http, s3',
        'd.yaml:4:1 there is no field specs; did you mean spec?',
      ],
    );
  });

  test('are two of one name, or a Sync without its DataSource', async () => {
    const findings = await wrong({
      'a.yaml': `${sync('one')}---\n${system('shopp')}`,
      'b.yaml': sync('one'),
    });
    assert.deepEqual(places(findings), [
      'a.yaml:5:13 spec.source.dataSource',
      'a.yaml:6:18 spec.destination.dataSource',
      'b.yaml:3:13 metadata.name',
      'b.yaml:5:13 spec.source.dataSource',
      'b.yaml:6:18 spec.destination.dataSource',
    ]);
    assert.equal(findings[0]?.fix, 'did you mean shopp?');
    assert.match(findings[2]?.message ?? '', /another Sync default\/one at .*a\.yaml:3:13/);
  });

  test('name a Secret or a key of it that does not exist', async () => {
    const text = system('shop', withPassword);
    const [missing] = await wrong({ 'a.yaml': text });
    assert.deepEqual(places(missing ? [missing] : []), ['a.yaml:4:74 spec.postgres.passwordSecretRef.name']);
    assert.equal(missing?.fix, 'add its manifest, or set IDRA_SECRET_SHOP_DB__PASSWORD');
    const [key] = await wrong({
      'a.yaml': `${text}---\napiVersion: v1\nkind: Secret\nmetadata: { name: shop-db }\nstringData: { pass: hunter2 }\n`,
    });
    assert.match(`${key?.message}; ${key?.fix}`, /has no key password; its keys are pass; or set/);
    assert.doesNotMatch(JSON.stringify(key), /hunter2/);
  });

  test('never show the content of a Secret', async () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n';
    const findings = await wrong({
      'a.yaml': `${secret}data: { password: "hunter2!" }\n`,
      'b.yaml': `${secret.replace('name: s', 'name: t')}stringData:\n  password: "hunter2\n`,
      'c.yaml': `${secret.replace('name: s', 'name: u')}stringData: { pin: 4711 }\n`,
    });
    assert.deepEqual(
      findings.map((each) => each.place),
      ['a.yaml:4:9', 'b.yaml:6:1', 'c.yaml:4:15'],
    );
    assert.doesNotMatch(JSON.stringify(findings), /hunter2|4711/);
  });

  test('end the command with status 2, and every line on stderr', async () => {
    const path = await write({ 'a.yaml': `${system('shop')}---\n${sync('one', 'mode: Timestamp')}` });
    for (const command of ['run', 'check', 'plan']) {
      const { status, out, err } = await idra([command, '-f', path]);
      assert.deepEqual([status, out], [2, ''], command);
      assert.match(err, /a\.yaml:10:3: error: spec\.source\.timestampField: .*\n {4}name the column with/);
    }
    for (const nothing of [join(path, 'none.yaml'), parent]) {
      assert.equal((await idra(['plan', '-f', nothing])).status, 2);
    }
  });
});

describe('the syncs of manifests', () => {
  test('are chosen by name', async () => {
    const manifests = read(
      await write({ 'a.yaml': [system('shop'), sync('one'), sync('two')].join('---\n') }),
    );
    const names = (only?: string) => chooseSyncs(manifests, only).map((each) => each.name);
    assert.deepEqual([names(), names('two'), names('default/one')], [['one', 'two'], ['two'], ['one']]);
    assert.throws(() => names('tow'), { code: 'SyncNotFound', fix: 'did you mean two?' });
  });

  test('get their uid from the state file, which a plan does not write', async () => {
    const manifests = read(
      await write({ 'a.yaml': [system('shop'), sync('one'), sync('two')].join('---\n') }),
    );
    const path = join(folder, 'state.db');
    const chosen = chooseSyncs(manifests, undefined);
    withStateOf(path, chosen);
    assert.equal(existsSync(path), false);
    const state = openStateFile(path);
    const [one] = identifySyncs(chosen.slice(0, 1), state);
    assert.equal(identifySyncs(chosen, state)[0]?.uid, one?.uid);
    assert.equal(withStateOf(path, chosen).syncs[0]?.uid, one?.uid, 'while another has the file');
    state.forget(identifySyncs(chosen, state)[1]?.uid ?? '');
    state.close();
    const again = withStateOf(path, chosen).syncs;
    assert.equal(again[0]?.uid, one?.uid);
    const reopened = openStateFile(path);
    assert.equal(reopened.find('default', 'two'), undefined);
    reopened.close();
    assert.notEqual(withoutState(chosen)[0]?.uid, one?.uid);
  });
});

test('files without a manifest are an error of every command that reads them, not a success', async () => {
  await write({ 'a.yaml': '# all of it is commented out\n' });
  for (const command of ['check', 'plan', 'run', 'apply', 'delete']) {
    const { status, err } = await idra([command, '-f', join(folder, 'a.yaml')], {
      IDRA_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
    });
    assert.equal(status, 2, command);
    assert.match(err, /has no manifest/, command);
  }
});
