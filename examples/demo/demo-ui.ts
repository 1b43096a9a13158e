import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Shop } from './shop.ts';

/** `make demo-ui`: single mode on the sample shop, which keeps changing, with the web UI on it until Ctrl-C. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}.idra/demo`;

function main(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const shop = new Shop(`${folder}/shop.db`);
  shop.fill();
  shop.keepChanging();
  console.log('A sample shop of customers, orders and flights; orders and customers keep changing.');
  console.log('Open the address below and log in as admin with the password admin; a new one is asked for.');
  const args = [
    'api',
    '-f',
    'examples/demo/demo.yaml',
    '--state',
    '.idra/demo/state.db',
    ...process.argv.slice(2),
  ];
  const api = spawn(`${root}bin/idra`, args, { cwd: root, stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the shop stops when the server has ended.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => api.kill('SIGTERM'));
  api.once('exit', (code) => {
    shop.stopChanging();
    shop.close();
    process.exitCode = code ?? 1;
  });
}

main();
