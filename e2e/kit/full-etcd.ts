import assert from 'node:assert/strict';
import { AlarmAction, AlarmType, Etcd3 } from 'etcd3';
import type { EtcdServer } from './servers.ts';

const filler = 'filler/';

/** Fills an etcd that was started with a small quota, until it refuses writes. */
export async function fillEtcd({ endpoints }: EtcdServer): Promise<void> {
  const client = new Etcd3({ hosts: [...endpoints] });
  const fill = async () => {
    for (let index = 0; index < 200; index++) await client.put(`${filler}${index}`).value('x'.repeat(50_000));
  };
  await assert.rejects(fill(), /database space exceeded/);
  client.close();
}

/** Frees its space and disarms the alarm, as docs/etcd.md describes. */
export async function freeEtcd({ endpoints }: EtcdServer): Promise<void> {
  const client = new Etcd3({ hosts: [...endpoints] });
  const { header } = await client.delete().prefix(filler);
  await client.kv.compact({ revision: header.revision, physical: true });
  await client.maintenance.defragment();
  const { alarms } = await client.maintenance.alarm({ action: AlarmAction.Get });
  for (const { memberID, alarm } of alarms)
    await client.maintenance.alarm({ action: AlarmAction.Deactivate, memberID, alarm: AlarmType[alarm] });
  client.close();
}
