import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { projectFolder, runOrFail } from './processes.ts';
import { findHelm } from './servers/helm.ts';

export const chart = join(projectFolder, 'helm/idra');

export interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec: { readonly template: PodTemplate } };
  };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface PodTemplate {
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly securityContext: { readonly runAsNonRoot?: boolean };
  readonly serviceAccountName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
  readonly affinity?: unknown;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: unknown;
  readonly resources: { readonly requests?: unknown; readonly limits?: unknown };
  readonly volumeMounts?: readonly { readonly name: string }[];
}

/** `helm template` of release idra in namespace idra-system. */
export async function renderChart(...args: readonly string[]): Promise<readonly Rendered[]> {
  const command = ['template', 'idra', chart, '-n', 'idra-system', ...args];
  const text = await runOrFail(await findHelm(), command);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((each) => each !== null);
}

/** The rules of a Role or ClusterRole of that release. */
export async function rulesOfChart(name: string): Promise<readonly Rule[]> {
  const found = (await renderChart()).find(({ metadata, rules }) => metadata.name === name && rules);
  if (!found?.rules) throw new Error(`the chart has no role ${name}`);
  return found.rules;
}

export function podOf({ spec }: Rendered): PodSpec | undefined {
  return (spec?.template ?? spec?.jobTemplate?.spec.template)?.spec;
}

export function podsOf(rendered: readonly Rendered[]): readonly PodSpec[] {
  return rendered.flatMap((each) => podOf(each) ?? []);
}
