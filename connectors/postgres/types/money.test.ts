import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../../e2e/kit/processes.ts';
import { postgres } from '../../../e2e/kit/servers.ts';
import { tempFolder } from '../../../e2e/kit/temp.ts';
import { connector } from '../connector.ts';
import { accessOf } from '../test-harness.ts';

const signal = new AbortController().signal;

test('money of a currency without cents is refused, because its amounts would change', async (context) => {
  const locales = await tempFolder('locales');
  await chmod(locales, 0o755);
  const folder = join(locales, 'ja_JP.UTF-8');
  await runCommand('localedef', ['-i', 'ja_JP', '-f', 'UTF-8', folder]).catch(() => {});
  if (!existsSync(folder)) return context.skip('no localedef with ja_JP');
  process.env.LOCPATH = locales;
  const server = await postgres({ own: true });
  try {
    const database = await server.createDatabase();
    await server.query(
      'CREATE TABLE paid (id int PRIMARY KEY, sum money); GRANT ALL ON paid TO PUBLIC',
      database.database,
    );
    const check = async () => {
      const source = await connector.openSource(accessOf(database), { table: 'public.paid' }, signal);
      const destination = await connector.openDestination(
        accessOf(database),
        { table: 'public.paid', existingRows: 'Keep' },
        signal,
      );
      await source.describe(signal);
      const found = [
        ...(await source.check('Snapshot', signal)),
        ...(await destination.check('Append', signal)),
      ];
      await Promise.all([source.close(), destination.close()]);
      return found.filter((each) => each.code === 'TypeNotKept').map((each) => each.path);
    };
    assert.deepEqual(await check(), []);
    await server.query(`ALTER DATABASE "${database.database}" SET lc_monetary = 'ja_JP.UTF-8'`);
    assert.deepEqual(await check(), ['spec.source', 'spec.destination.table']);
  } finally {
    delete process.env.LOCPATH;
    await server.stop();
  }
});
