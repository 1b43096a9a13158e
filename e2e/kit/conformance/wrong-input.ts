import assert from 'node:assert/strict';
import { objectPath } from '../../../core/sync-spec.ts';
import { type Case, can, reads, writes } from './case.ts';
import { signal } from './context.ts';
import type { WrongField } from './harness.ts';

const fields: Readonly<Record<WrongField, { readonly field: string; readonly disposition: string }>> = {
  AuthenticationFailed: { field: 'passwordSecretRef', disposition: 'permanent' },
  HostUnreachable: { field: 'host', disposition: 'transient' },
  DatabaseNotFound: { field: 'database', disposition: 'permanent' },
};

/** One event has the same code in all systems; its message names the field at fault and the remedy. */
export const wrongInput: readonly Case[] = [
  {
    name: 'wrong input: errors distinguish password, address and database, each by its field',
    needs: [can('wrongAccess')],
    async run({ can: { wrongAccess }, connector, system }) {
      for (const [code, { field, disposition }] of Object.entries(fields)) {
        const access = wrongAccess[code as WrongField];
        const path = `spec.${system.definition.type}.${field}`;
        await assert.rejects(connector.check(access, signal), { code, disposition, path });
      }
    },
  },
  {
    name: 'wrong input: a missing object and an invalid name',
    async run(context) {
      const describeSource = async (name: string) =>
        await (await context.openSource(context.object(name))).describe(signal);
      const path = objectPath('source', context.object('missing'));
      const permanent = { disposition: 'permanent', path };
      await assert.rejects(describeSource('missing'), { code: 'TableNotFound', ...permanent });
      await assert.rejects(describeSource(context.system.invalidName ?? 'a.b.c'), {
        code: 'NameInvalid',
        ...permanent,
      });
      const target = await context.openDestination('missing');
      assert.equal(await target.describe(signal), null);
      assert.equal(await target.hasRows(signal), false);
      assert.deepEqual(await target.commitRows('nobody', signal), []);
    },
  },
  {
    name: 'wrong input: an invalid query, or one that reads a missing object',
    needs: [can('query')],
    async run(context) {
      const describeQuery = async (query: string) =>
        await (await context.openSource({ query, timeZone: 'UTC' })).describe(signal);
      const invalid = { code: 'QueryInvalid', disposition: 'permanent', path: 'spec.source.query' };
      for (const query of ['SELEC 1', 'SELECT no_such_function(1) AS id'])
        await assert.rejects(describeQuery(query), invalid);
      const missing = { code: 'TableNotFound', disposition: 'permanent' };
      await assert.rejects(describeQuery(context.can.query('missing')), missing);
    },
  },
  {
    name: 'wrong input: a view is not accepted as a destination',
    needs: [can('createView')],
    async run(context) {
      const view = context.newName();
      await context.can.createView(view, await context.target());
      const relation = await (await context.openDestination(view)).describe(signal);
      const found = relation?.findings?.map(({ severity, code }) => [severity, code]);
      assert.deepEqual(found, [['error', 'NotATable']]);
    },
  },
  {
    name: 'check names the missing right, and the statement that grants it',
    needs: [can('accessWithoutWriting'), writes('Upsert')],
    async run(context) {
      const target = await context.target();
      const access = await context.can.accessWithoutWriting(target);
      const destination = await context.openDestination(target, access);
      await destination.describe(signal);
      const [finding] = await destination.check('Upsert', signal);
      assert.deepEqual([finding?.severity, finding?.code], ['error', 'PermissionDenied']);
      assert.match(finding?.fix ?? '', /^GRANT .*INSERT/);
    },
  },
  {
    name: 'check reports the version; discover lists what a user would sync, and no tables of Idra',
    needs: [reads('Snapshot'), writes('Upsert')],
    async run(context) {
      const from = await context.fill(2);
      const flow = await context.claim({ from });
      await flow.pass();
      for (const { access } of [context.source, context.destination]) {
        assert.match((await context.connector.check(access, signal)).version, /^[\w ]+ \d+/);
        const found = (await context.connector.discover(access, signal)).map(({ name }) => name);
        const wanted = access === context.source.access ? from : flow.to;
        assert.ok(found.some((name) => name.split('.').at(-1) === wanted));
        assert.ok(
          !found.some((name) => /_idra|information_schema|sqlite_|pg_catalog/.test(name)),
          found.join(),
        );
      }
    },
  },
];
