import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { openStateFile } from '../coordination/single/state-file.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { processCli } from './cli.ts';
import { program } from './main.ts';
import { completeInBash, idra } from './test-cli.ts';

/** Every command that has an action of its own. */
function leaves(
  command: Command,
  path: readonly string[] = [],
): { path: readonly string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
}

const all = leaves(program(processCli()));
/** These act or keep running, and print no data. */
const silent = ['run', 'delete', 'offset undo', 'run-now', 'restart', 'keep-offset', 'suspend', 'resume'];
const others = [
  'agent',
  'api',
  'operator',
  'completion',
  'complete-names',
  'epoch get',
  'epoch raise',
  'etcd roles',
  'describe',
];

describe('every command', () => {
  test('has a description, an example, and help with status 0', async () => {
    assert.ok(all.length > 20);
    for (const { path, command } of all) {
      const name = path.join(' ');
      const { status, out } = await idra([...path, '--help']);
      assert.equal(status, 0, name);
      assert.ok(command.description().length > 10, `${name} has no description`);
      assert.match(out, new RegExp(`Examples?:\\n(.*\\n)?.*idra ${name}\\b`), `${name} has no example`);
      for (const option of command.options) assert.ok(option.description, `${name} ${option.flags}`);
    }
  });

  test('supports -o json if it prints data', () => {
    for (const { path, command } of all) {
      const name = path.join(' ');
      if (silent.includes(name) || others.includes(name)) continue;
      assert.ok(
        command.options.some((each) => each.long === '--output'),
        `${name} has no --output`,
      );
    }
  });

  test('reports a wrong call with status 2 and a remedy', async () => {
    for (const { path } of all) {
      const { status, err } = await idra([...path, '--no-such-option']);
      assert.equal(status, 2, path.join(' '));
      assert.match(err, /unknown option|required option/);
    }
    const wrong = await idra(['plam']);
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /Did you mean plan\?/);
    for (const call of ['plam --help', 'offset gett -h', '--help plam']) {
      const { status, err, out } = await idra(call.split(' '));
      assert.deepEqual([status, out], [2, ''], call);
      assert.match(err, /unknown command/, call);
    }
    const kind = await idra(['plan', '-f', 'x', '-o', 'wide']);
    assert.equal(kind.status, 2);
    assert.match(kind.err, /Allowed choices are json, yaml/);
  });

  test('ends with status 3 if it needs an etcd, cluster or state file and none is given', async () => {
    for (const call of ['get syncs', 'describe sync orders', 'locks', 'epoch get', 'delete sync orders']) {
      const { status, err, out } = await idra(call.split(' '));
      assert.deepEqual([status, out], [3, ''], call);
      assert.match(err, /IDRA_ETCD_ENDPOINTS.*kubectl get syncs.*single mode/);
    }
  });
});

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`is a script of ${shell} that names every command`, async () => {
      const { status, out } = await idra(['completion', shell]);
      assert.equal(status, 0);
      for (const { path } of all) assert.ok(out.includes(path.at(-1) ?? ''), path.join(' '));
      const program = ['/bin', '/usr/bin'].map((folder) => `${folder}/${shell}`).find(existsSync);
      if (program) assert.equal(spawnSync(program, ['-n'], { input: out }).status, 0);
    });
  }

  test('completes commands, subcommands and options in bash', async () => {
    const ask = async (...words: readonly string[]) => (await completeInBash(words)).offers;
    assert.equal(await ask('idra', 'app'), 'apply');
    assert.equal(await ask('idra', 'offset', 'h'), 'history');
    assert.equal(await ask('idra', 'apply', '--dry'), '--dry-run');
    assert.equal(await ask('idra', 'get', 'sy'), 'syncs');
  });

  test('offers files for file arguments, known values for others, and otherwise nothing', async () => {
    const before = `idra() { :; }; cd ${projectFolder}`;
    const ask = async (...words: readonly string[]) =>
      (await completeInBash([...words, ''], { before })).offers;
    assert.equal(await ask('idra', 'get', 'syncs', '-o'), 'wide json yaml name');
    assert.equal(await ask('idra', 'run', '--progress'), 'auto json none');
    assert.equal(await ask('idra', 'offset', 'get', 'orders', '-n'), '');
    assert.match(await ask('idra', 'run', '-f'), /README\.md/);
    assert.doesNotMatch(await ask('idra', 'get'), /README/);
  });

  test('requests names with the words typed so far, and offers those that begin like the last word', async () => {
    // In place of Idra: the names are the words that it was called with.
    const before = 'idra() { printf "o-%s\\n" "$@" other; }';
    const { offers } = await completeInBash(['idra', 'offset', 'get', '--state', 'file', 'o-'], { before });
    assert.equal(offers, 'o-complete-names o-sync o--- o-offset o-get o---state o-file o-other');
    const none = await completeInBash(['idra', 'suspend', 'team'], { before });
    assert.equal(none.offers, '');
  });

  test('offers existing names, and nothing if they cannot be listed', async (t) => {
    // The time limit of a completion ends the process.
    t.mock.method(process, 'exit', () => {});
    const folder = await tempFolder('completion');
    const state = openStateFile(join(folder, 'state.db'));
    for (const name of ['orders', 'items']) state.identify('default', name);
    state.identify('team-a', 'lines');
    state.close();
    const ask = (...words: readonly string[]) => idra(['complete-names', 'sync', '--', ...words]);
    const from = ['--state', join(folder, 'state.db')];
    const names = async (...words: readonly string[]) =>
      (await ask(...words)).out.split('\n').sort().join(' ').trim();
    assert.equal(await names('offset', 'get', ...from), 'items orders team-a/lines');
    assert.equal(await names('restart', ...from, '-n', 'team-a'), 'lines');
    const missing = await ask('offset', 'get', '--state', join(folder, 'missing.db'));
    assert.deepEqual(missing, { status: 0, out: '', err: '' });
  });

  test('refuses an unknown shell', async () => {
    const { status, err } = await idra(['completion', 'tcsh']);
    assert.equal(status, 2);
    assert.match(err, /use bash, zsh or fish/);
  });
});
