import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { startProcess } from '../processes.ts';
import { findServer, inDebian, onPath } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface PrometheusServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** A Prometheus that reads the metrics of these addresses (`127.0.0.1:9100`) each second, as the job `idra-agents`. */
export async function prometheus(targets: readonly string[]): Promise<PrometheusServer> {
  const binaries = onPath(['prometheus']);
  const bin = await findServer('prometheus', [binaries, inDebian(['prometheus'], binaries)]);
  const folder = await dataFolder('prometheus');
  const address = `127.0.0.1:${await freePort()}`;
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'idra-agents', static_configs: [{ targets }] }],
  };
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ];
  const url = `http://${address}`;
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'prometheus'), args, { name: 'prometheus' }),
    async answers() {
      const { ok, status } = await fetch(`${url}/-/ready`);
      if (!ok) throw new Error(`HTTP status ${status}`);
    },
  });
  return { url, stop: () => server.stop() };
}
