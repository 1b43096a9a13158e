import { adminPassword, TestClient } from '../../api/test-api.ts';
import { type RunningProcess, startIdra } from '../kit/processes.ts';

export interface Served {
  readonly running: RunningProcess;
  /** An administrator. */
  readonly client: TestClient;
}

/** `bin/idra api` on a free port, and an administrator after the first login. */
export async function serve(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Served> {
  const options = { env, ...(cwd !== undefined && { cwd }) };
  const running = await startIdra(['api', '--port', '0', ...args], options);
  const line = await running.waitForLine(/^http:\/\//);
  const client = new TestClient(line.trim());
  const { awaitsFirstLogin } = await client.get<{ awaitsFirstLogin: boolean }>('/login-methods');
  if (awaitsFirstLogin) {
    await client.login('admin', 'admin');
    const body = { current: 'admin', password: adminPassword };
    client.csrf = (await client.send<{ csrf: string }>('PUT', '/session/password', body)).csrf;
  } else await client.login('admin', adminPassword);
  return { running, client };
}
