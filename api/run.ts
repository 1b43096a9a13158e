import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { asIdraError, permanent } from '../core/errors.ts';
import { makeServer, type ServerOptions } from './server.ts';
import { type ApiDeps, makeServices, type Services } from './services.ts';
import { hashPassword, requireGoodPassword } from './users/passwords.ts';
import { adminGrants } from './users/users.ts';
import { changedSpecs } from './views/file-specs.ts';

export interface RunningApi {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly services: Services;
  /** The first login still is admin/admin. */
  readonly awaitsFirstLogin: boolean;
  close(): Promise<void>;
}

const sweepEveryMs = 600_000;

/** Starts to serve. Closes neither fleet nor view. */
export async function startApi(deps: ApiDeps, options: ServerOptions = {}): Promise<RunningApi> {
  const services = makeServices(deps);
  await setUpFirstPassword(services);
  await restoreEvents(services);
  const endTrends = services.watchTrends((slot) => services.trends.add(slot));
  const unlisten = services.view.onChange((change) => {
    if (change.kind === 'sync' && !services.view.getSync(change.uid)) services.trends.forget(change.uid);
  });
  const app = makeServer(services, options);
  await listen(app, deps);
  const { log, sessions } = services;
  const timer = setInterval(() => {
    sessions
      .sweep()
      .catch((error: unknown) => log.warn('expired sessions were not deleted; will retry', { error }));
  }, sweepEveryMs);
  timer.unref();
  const [address] = app.addresses() as readonly AddressInfo[];
  const host = address?.family === 'IPv6' ? `[${address.address}]` : address?.address;
  return {
    url: `http://${host}:${address?.port}${deps.config.basePath}`,
    services,
    awaitsFirstLogin: services.oidc === undefined && !(await services.users.isSetUp()),
    async close() {
      clearInterval(timer);
      await app.close();
      unlisten();
      await endTrends();
      services.syncList.close();
      services.dataSourceChanges.close();
      await services.eventStore.close();
      services.events.close();
      services.hub.close();
    },
  };
}

/** Without them the server is as useful, so it does not wait for a storage that does not answer. */
async function restoreEvents({ eventStore, events, log, mode, documents, view }: Services): Promise<void> {
  try {
    events.restore(await eventStore.read());
    if (mode !== 'single') return;
    for (const sync of await changedSpecs(documents, view.syncs())) events.addFileChange(sync);
  } catch (error) {
    log.warn('what happened before could not be read', { error });
  }
}

async function listen(app: FastifyInstance, { config }: ApiDeps): Promise<void> {
  const { host, port } = config;
  try {
    await app.listen({ host: host === '*' ? '::' : host, port });
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    throw permanent('EnvironmentInvalid', `cannot listen on ${host}:${port}: ${code}`, {
      fix: 'choose another --port or --host',
      cause: thrown,
    });
  }
}

/** The chart's password: with it the documented first login never works. Several replicas may do this at once. */
async function setUpFirstPassword({ users, config, log }: Services): Promise<void> {
  const { firstPasswordFile: file } = config;
  if (file === undefined || (await users.isSetUp())) return;
  let password: string;
  try {
    password = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw permanent('EnvironmentInvalid', `${file} cannot be read`, {
      path: 'IDRA_API_FIRST_PASSWORD_FILE',
      fix: 'put the first password of the user admin there',
      cause,
    });
  }
  await requireGoodPassword(password, 'admin');
  const passwordHash = await hashPassword(password);
  // Whoever can read the file knows it, so it is replaced at the first login.
  const admin = users.make({
    name: 'admin',
    source: 'local',
    grants: adminGrants,
    passwordHash,
    mustSetPassword: true,
  });
  try {
    await users.create(admin);
    log.info('the user admin has the password of the file', { file });
  } catch (thrown) {
    if (asIdraError(thrown).code !== 'UserExists') throw thrown;
  }
}
