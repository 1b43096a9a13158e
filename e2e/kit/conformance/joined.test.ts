import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { definitions } from '../../../connectors/catalog.ts';
import { projectFolder } from '../processes.ts';
import { isOffered } from './case.ts';
import { cases } from './cases.ts';
import type { TestSystem } from './harness.ts';

/** Every connector of the catalog runs the cases, and its declarations are true. No server is started here. */
for (const { type } of definitions) {
  describe(type, () => {
    const folder = join(projectFolder, 'connectors', type);
    const load = async (): Promise<readonly TestSystem[]> =>
      (await import(join(folder, 'test-conformance.ts'))).systems;

    test('runs the conformance cases', async () => {
      assert.ok(existsSync(join(folder, 'conformance.test.ts')));
      const systems = await load();
      assert.ok(systems.length > 0);
      assert.ok(systems.every(({ definition }) => definition.type === type));
    });

    test('each waiver names a case that is run; waivers and missing abilities have a reason', async () => {
      for (const system of await load()) {
        const run = cases.filter((each) => isOffered(each, system)).map(({ name }) => name);
        for (const [name, reason] of Object.entries(system.waivers)) {
          assert.ok(run.includes(name), `${system.name} waives a case that it does not run: ${name}`);
          assert.notEqual(reason, '');
        }
        assert.ok(Object.values(system.lacks).every((reason) => reason !== ''));
      }
    });
  });
}

test('no two cases have one name', () => {
  const names = cases.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names);
});
