import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tempFolder } from '../e2e/kit/temp.ts';
import { singleInstallation, TestApi } from './test-api.ts';

const page = `<!doctype html><meta name="idra-base" content="__IDRA_BASE__">
<script type="module" nonce="__IDRA_NONCE__" src="./assets/main-1a2b.js"></script>`;
const script = 'console.log(1);\n'.repeat(100);

describe('the web UI as files', () => {
  let folder: string;
  let api: TestApi;
  before(async () => {
    folder = await tempFolder('ui');
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), page);
    await writeFile(join(folder, 'assets/main-1a2b.js'), script);
    await writeFile(join(folder, 'assets/main-1a2b.js.gz'), gzipSync(script));
    await writeFile(join(folder, 'secret.txt'), 'not an asset');
    const { installation, close } = await singleInstallation();
    api = await TestApi.start(installation, { close, basePath: '/idra', uiFolder: folder });
  });
  after(async () => {
    await api?.stop();
  });

  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(new URL(path, api.api.url), { headers, redirect: 'manual' });
  const browser = { accept: 'text/html,*/*' };

  test('every path of the page is the page, with the base path and a nonce that is used once', async () => {
    const nonces = new Set<string>();
    for (const path of ['/idra/', '/idra/syncs/team-a/orders?tab=offset', '/idra/syncs/a%2Fb/x.y']) {
      const response = await get(path, browser);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const text = await response.text();
      const [, nonce = ''] = /nonce="([^"]+)"/.exec(text) ?? [];
      const policy = response.headers.get('content-security-policy') ?? '';
      assert.ok(policy.includes(`script-src 'nonce-${nonce}'`), policy);
      assert.doesNotMatch(policy, /unsafe-|https?:/);
      nonces.add(nonce);
      assert.ok(text.includes('content="/idra"') && text.includes('src="/idra/assets/main-1a2b.js"'), text);
    }
    assert.equal(nonces.size, 3);
    const bare = await get('/idra', browser);
    assert.deepEqual([bare.status, bare.headers.get('location')], [308, '/idra/']);
  });

  test('a file is kept by browsers for good, and sent compressed', async () => {
    const response = await get('/idra/assets/main-1a2b.js', { 'accept-encoding': 'gzip, br' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(await response.text(), script);
    const plain = await get('/idra/assets/main-1a2b.js', { 'accept-encoding': 'identity' });
    assert.equal(plain.headers.get('content-encoding'), null);
    assert.equal(await plain.text(), script);
  });

  test('no other file, and no page for paths of the API and for scripts', async () => {
    const paths = [
      '/idra/assets/none.js',
      '/idra/assets/..%2fsecret.txt',
      '/idra/assets/%2e%2e/secret.txt',
      '/idra/assets/main-1a2b.js.map',
      '/idra/api/v1/nothing',
      '/idra/api',
      '/other',
    ];
    for (const path of paths) {
      const response = await get(path, browser);
      const text = await response.text();
      assert.doesNotMatch(text, /not an asset/);
      if (path === '/idra/assets/%2e%2e/secret.txt') continue; // a browser and fetch resolve it to a page
      assert.equal(response.status, 404, path);
      assert.equal((JSON.parse(text) as { code: string }).code, 'RouteNotFound');
    }
    assert.equal((await get('/idra/syncs', { accept: 'application/json' })).status, 404);
  });
});

test('an installation without the built UI says how to build it', async () => {
  const { installation, close } = await singleInstallation();
  const api = await TestApi.start(installation, { close, uiFolder: join(await tempFolder('ui'), 'none') });
  try {
    const response = await fetch(`${api.api.url}/`, { headers: { accept: 'text/html' } });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /make ui/);
  } finally {
    await api.stop();
  }
});
