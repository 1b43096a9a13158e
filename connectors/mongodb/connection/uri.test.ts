import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUri } from './uri.ts';

test('a connection string gives hosts, login, database and options', () => {
  const uri = readUri(
    'mongodb://us%40er:p%3Aw@a:27018,[::1]:27017/shop?replicaSet=rs0&authSource=admin&retryWrites=true&w=majority',
  );
  assert.deepEqual(
    [uri.hosts, uri.user, uri.password, uri.database],
    [['a:27018', '[::1]:27017'], 'us@er', 'p:w', 'shop'],
  );
  assert.deepEqual(
    [...uri.options],
    [
      ['replicaset', 'rs0'],
      ['authsource', 'admin'],
    ],
  );
  const srv = readUri('mongodb+srv://cluster0.example.net');
  assert.deepEqual(
    [srv.isSrv, srv.hosts, srv.user, srv.database],
    [true, ['cluster0.example.net'], undefined, undefined],
  );
});

test('options that change what is read or written are refused, and no message has the password', () => {
  const refused = {
    'w=1': 'ParameterInvalid',
    'w=0': 'ParameterInvalid',
    'readPreference=secondary': 'ParameterInvalid',
    'readConcernLevel=local': 'ParameterInvalid',
    'tlsInsecure=true': 'ParameterInvalid',
    'tlsAllowInvalidCertificates=true': 'ParameterInvalid',
    'journal=false': 'ParameterInvalid',
    'loadBalanced=true': 'ParameterInvalid',
    'tlsCAFile=/etc/passwd': 'ParameterUnknown',
    'proxyHost=evil': 'ParameterUnknown',
    'serverApi=1': 'ParameterUnknown',
  };
  for (const [option, code] of Object.entries(refused)) {
    assert.throws(
      () => readUri(`mongodb://user:secretword@a/?${option}`),
      (error: { code?: string; message: string; fix?: string }) => {
        assert.equal(error.code, code, option);
        assert.ok(!`${error.message}${error.fix}`.includes('secretword'));
        return true;
      },
    );
  }
});

test('what is not a connection string is refused without showing it', () => {
  for (const text of ['', 'postgres://a', 'mongodb://', 'mongodb://u:secretword@/db', 'mongodb://u:%zz@a/'])
    assert.throws(
      () => readUri(text),
      (error: { code?: string; message: string }) =>
        error.code === 'ParameterInvalid' && !error.message.includes('secretword'),
    );
});
