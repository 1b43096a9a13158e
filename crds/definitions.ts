import { definitions } from '../connectors/catalog.ts';
import { dataSourceRules, dataSourceSpecSchema, offeredBy } from '../core/manifest/data-source-schema.ts';
import { group, type ManifestKind, plurals, shortNames, version } from '../core/manifest/names.ts';
import type { Rule } from '../core/manifest/rules.ts';
import { dataSourceStatusSchema, syncStatusSchema } from '../core/manifest/status-shape.ts';
import { syncRules } from '../core/manifest/sync-rules.ts';
import { syncSpecSchema } from '../core/manifest/sync-schema.ts';
import { type StructuralSchema, structuralSchema } from './structural.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1: shown with `-o wide` only. */
  readonly priority?: 1;
}

/** One of our kinds, as input for its custom resource and its reference page. */
export interface ResourceKind {
  readonly kind: ManifestKind;
  readonly summary: string;
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
  readonly rules: readonly Rule[];
  readonly columns: readonly PrinterColumn[];
}

function column(
  name: string,
  jsonPath: string,
  description: string,
  more: Partial<Pick<PrinterColumn, 'type' | 'priority'>> = {},
): PrinterColumn {
  return { name, type: 'string', jsonPath, description, ...more };
}

const age = column('Age', '.metadata.creationTimestamp', 'Time since it was created.', { type: 'date' });
const wide = { priority: 1 } as const;

/** The columns of `kubectl get syncs`; core/sync-row.ts has the same ones for the command line. */
const syncColumns = [
  column('Source', '.spec.source.dataSource', 'DataSource that is read.'),
  column('Destination', '.spec.destination.dataSource', 'DataSource that is written.'),
  column('Mode', '.spec.mode', 'How a pass finds new rows.'),
  column('State', '.status.state', 'State of the Sync.'),
  column('Agent', '.status.agent', 'Agent that runs it.'),
  column('Rows', '.status.rows.written', 'Rows written since the last restart.', { type: 'integer' }),
  column('Lag', '.status.lag', 'How far the destination is behind the source.'),
  column('Last Sync', '.status.lastSyncTime', 'Time since the last commit of rows.', { type: 'date' }),
  age,
  column('Offset', '.status.offset', 'Stored offset.', wide),
  column('Rate', '.status.rate', 'Rows per second.', wide),
  column('Message', '.status.message', 'State of the Sync in one sentence.', wide),
];

const dataSourceColumns = [
  column('Type', '.status.type', 'The system.'),
  column(
    'Ready',
    '.status.conditions[?(@.type=="Ready")].status',
    'Whether an agent has reached the system.',
  ),
  column('Version', '.status.serverVersion', 'Version of the server.'),
  column('Syncs', '.status.syncs', 'Syncs that use it.', { type: 'integer' }),
  age,
  column('Message', '.status.message', 'State of the DataSource in one sentence.', wide),
];

export const kinds: readonly ResourceKind[] = [
  {
    kind: 'DataSource',
    summary:
      'How to reach a system: one object that names the system, its limits, and the agents that can reach it.',
    spec: structuralSchema(dataSourceSpecSchema(definitions)),
    status: structuralSchema(dataSourceStatusSchema),
    rules: dataSourceRules(definitions),
    columns: dataSourceColumns,
  },
  {
    kind: 'Sync',
    summary: 'Moves the rows of one table or query from a DataSource to another, and keeps them in sync.',
    spec: structuralSchema(syncSpecSchema),
    status: structuralSchema(syncStatusSchema),
    rules: syncRules(offeredBy(definitions)),
    columns: syncColumns,
  },
];

export function customResource({ kind, summary, spec, status, rules, columns }: ResourceKind): object {
  const singular = kind.toLowerCase();
  const validations = rules.map(({ path, condition, message, fix }) => ({
    rule: condition.cel,
    message: `${message}; ${fix}`,
    reason: 'FieldValueInvalid',
    fieldPath: `.${path}`,
  }));
  const schema: StructuralSchema = {
    type: 'object',
    description: summary,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `${group}/${version}.` },
      kind: { type: 'string', description: `${kind}.` },
      metadata: { type: 'object' },
      spec: { description: 'Desired state.', ...spec, 'x-kubernetes-validations': validations },
      status: { description: 'Observed state; written only by Idra.', ...status },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plurals[kind]}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural: plurals[kind],
        singular,
        shortNames: shortNames[kind],
        categories: ['idra'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
}
