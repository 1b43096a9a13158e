import { stringify } from 'yaml';
import { renderChart } from './chart.ts';
import { type KubernetesApi, useOf } from './servers.ts';

/** The namespace in which charts are rendered. */
export const release = 'idra-system';

/** Applies service accounts, roles and bindings of the chart, rendered with these values. */
export async function giveRights(api: KubernetesApi, ...values: readonly string[]): Promise<void> {
  const kinds = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];
  const rendered = (await renderChart(...values)).filter(({ kind }) => kinds.includes(kind));
  const objects = rendered.map((object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      ...(!object.kind.startsWith('Cluster') && { namespace: object.metadata.namespace ?? release }),
    },
  }));
  for (const namespace of [release, 'team-a', 'team-b'])
    await api.apply(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
  await api.apply(objects.map((object) => stringify(object)).join('---\n'));
}

export async function takeRights(api: KubernetesApi): Promise<void> {
  const kinds = 'roles,rolebindings,clusterroles,clusterrolebindings';
  await api.kubectl(['delete', kinds, '-A', '-l', 'app.kubernetes.io/name=idra', '--wait=false']);
}

/** What the chart lets a service account do, each once and sorted: `patch syncs/status.idra.dev`. */
export async function grantedTo(account: string): Promise<readonly string[]> {
  const rendered = await renderChart();
  const roles = rendered
    .filter(({ subjects }) => subjects?.some(({ name }) => name === account))
    .map(({ roleRef }) => roleRef);
  const rules = rendered
    .filter(({ kind, metadata }) => roles.some((role) => role?.kind === kind && role.name === metadata.name))
    .flatMap((role) => role.rules ?? []);
  const uses = rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.flatMap((verb) =>
      resources.flatMap((resource) => apiGroups.map((group) => useOf(verb, resource, group))),
    ),
  );
  return [...new Set(uses)].sort();
}
