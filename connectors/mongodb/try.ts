import { Secret } from '../../core/secret.ts';
import { Session } from './session.ts';
const signal = new AbortController().signal;
for (const [name, config, password] of [
  ['ddb', { hosts: ['127.0.0.1:28100'], database: 'x', user: 'adm' }, 'pw123'],
  ['ddb no tls', { hosts: ['127.0.0.1:28100'], database: 'x', user: 'adm', tls: { mode: 'Disable' } }, 'pw123'],
  ['ddb verify', { hosts: ['127.0.0.1:28100'], database: 'x', user: 'adm', tls: { mode: 'VerifyFull' } }, 'pw123'],
  ['ddb wrong', { hosts: ['127.0.0.1:28100'], database: 'x', user: 'adm' }, 'nope'],
  ['nobody', { hosts: ['127.0.0.1:1'], database: 'x' }, ''],
  ['noname', { hosts: ['no.such.host.invalid'], database: 'x' }, ''],
  ['wrong rs', { hosts: ['127.0.0.1:28100'], database: 'x', user: 'adm', replicaSet: 'rs9' }, 'pw123'],
] as const) {
  const t = Date.now();
  try {
    const s = await Session.open({ dataSource: 'ns/a', config, secret: (p) => (p === 'password' && password ? new Secret(password) : undefined) }, 'idra-reader', signal);
    console.log(name, s.facts, s.rule.channel, Date.now() - t, 'ms');
    await s.close();
  } catch (e: any) {
    console.log(name, Date.now() - t, 'ms', e.code, e.disposition, e.path, e.message, '|', e.fix);
  }
}
