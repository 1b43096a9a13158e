import { Cron } from 'croner';
import type { z } from 'zod';
import { bug, describeError, type Finding, permanent } from '../errors.ts';
import {
  type DataSource,
  type DataSourceSpec,
  destinationFields,
  objectFields,
  type Sync,
  type SyncSpec,
  type SystemType,
  sourceFields,
} from '../sync-spec.ts';
import { dataSourceRules, dataSourceSpecSchema, offeredBy, type SystemSchema } from './data-source-schema.ts';
import { findingsOf } from './issues.ts';
import type { ManifestKind } from './names.ts';
import { pick } from './pick.ts';
import { recordColumn, recordFindings } from './record-columns.ts';
import { brokenRules, manifestFinding, type Rule, type Surroundings } from './rules.ts';
import { syncRules } from './sync-rules.ts';
import { type SyncManifestSpec, syncSpecSchema } from './sync-schema.ts';
import { parseDuration, parseSize } from './units.ts';
import { splitUnknown } from './unknown-fields.ts';

/** A manifest with its identity, from etcd (DesiredSync, DesiredDataSource) or a custom resource. */
export interface ManifestObject {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly spec: unknown;
  /** The annotation idra.dev/suspend, which takes precedence over spec.suspend. */
  readonly isSuspendedByAnnotation?: boolean | undefined;
}

/** Result of validation. `spec`: the manifest with defaults filled in, as the API server would store it; only set without errors. */
export interface Examined {
  readonly findings: readonly Finding[];
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** `ignored`: paths of the fields that this version does not know. */
export interface Admitted extends Examined {
  readonly ignored: readonly string[];
}

export interface ManifestReader {
  /** Strict validation for user input: reports all errors at once, including unknown fields. */
  examine(kind: ManifestKind, spec: unknown, where: Surroundings): Examined;
  /**
   * Lenient validation for stored objects: unknown fields are left out. They were accepted by the schema of a later version, perhaps as
   * defaults for all objects, and a cluster keeps running while its parts have two versions.
   */
  admit(kind: ManifestKind, spec: unknown, where: Surroundings): Admitted;
  /**
   * Like `admit`. Throws `ManifestInvalid` (permanent) with the path of the first error. Rules that apply only to a cluster are not
   * checked.
   */
  readSync(object: ManifestObject): Sync;
  readDataSource(object: ManifestObject): DataSource;
}

/** Checks of a Sync that CEL cannot express. */
export type SyncCheck = (spec: SyncManifestSpec) => readonly Finding[];

/** `checks`: checks by systems of the values of their fields. */
export function makeManifestReader(
  systems: readonly SystemSchema[],
  checks: readonly SyncCheck[] = [],
): ManifestReader {
  const kinds: Readonly<
    Record<ManifestKind, { readonly schema: z.ZodType; readonly rules: readonly Rule[] }>
  > = {
    Sync: { schema: syncSpecSchema, rules: syncRules(offeredBy(systems)) },
    DataSource: { schema: dataSourceSpecSchema(systems), rules: dataSourceRules(systems) },
  };
  const examine = (kind: ManifestKind, spec: unknown, where: Surroundings): Examined => {
    const { schema, rules } = kinds[kind];
    const parsed = schema.safeParse(spec ?? {});
    if (!parsed.success) return { findings: findingsOf(schema, spec ?? {}, parsed.error.issues) };
    const filled = parsed.data as Readonly<Record<string, unknown>>;
    const more = kind === 'Sync' ? [timeFindings, recordFindings, ...checks] : [];
    const findings = [
      ...brokenRules(rules, filled, where),
      ...more.flatMap((check) => check(filled as SyncManifestSpec)),
    ];
    return findings.length > 0 ? { findings } : { findings, spec: filled };
  };
  const admit = (kind: ManifestKind, spec: unknown, where: Surroundings): Admitted => {
    const { known, unknown } = splitUnknown(kinds[kind].schema, spec ?? {});
    return { ...examine(kind, known, where), ignored: unknown };
  };
  const read = (kind: ManifestKind, object: ManifestObject) => {
    const { findings, spec } = admit(kind, object.spec, 'single');
    if (spec) return spec;
    throw invalid(kind, object, findings);
  };
  const identity = ({ uid, namespace, name, generation }: ManifestObject) => ({
    uid,
    namespace,
    name,
    generation,
  });
  return {
    examine,
    admit,
    readSync: (object) => {
      const spec = syncSpec(read('Sync', object) as SyncManifestSpec);
      const isSuspended = object.isSuspendedByAnnotation ?? spec.isSuspended;
      return { ...identity(object), spec: { ...spec, isSuspended } };
    },
    readDataSource: (object) => ({
      ...identity(object),
      spec: dataSourceSpec(read('DataSource', object), systems),
    }),
  };
}

function invalid(
  kind: ManifestKind,
  { namespace, name }: ManifestObject,
  findings: readonly Finding[],
): Error {
  const [first, ...more] = findings;
  if (!first) throw bug(`${kind} ${namespace}/${name} is neither valid nor invalid`);
  const others = more.map(describeError).join('; ');
  return permanent(
    'ManifestInvalid',
    more.length === 0 ? first.message : `${first.message} (and: ${others})`,
    {
      path: first.path,
      fix: first.fix,
    },
  );
}

/** Validates cron expression and time zone. */
function timeFindings({ schedule, source }: SyncManifestSpec): Finding[] {
  const zones: readonly (readonly [path: string, zone: string | undefined])[] = [
    ['spec.schedule.timeZone', schedule.timeZone],
    ['spec.source.timeZone', source.timeZone],
  ];
  const findings = zones
    .filter(([, zone]) => zone !== undefined && !isTimeZone(zone))
    .map(([path, zone]) =>
      manifestFinding(path, `${zone} is not a time zone`, 'write its IANA name: Europe/Rome'),
    );
  const wrong = schedule.cron === undefined ? undefined : wrongCron(schedule.cron);
  if (wrong) findings.push(manifestFinding('spec.schedule.cron', `${schedule.cron} ${wrong.is}`, wrong.fix));
  return findings;
}

/** Creating a formatter is expensive, and thousands of manifests name the same few zones. */
const knownZones = new Set<string>();

function isTimeZone(zone: string): boolean {
  if (knownZones.has(zone)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    knownZones.add(zone);
    return true;
  } catch {
    return false;
  }
}

interface WrongCron {
  readonly is: string;
  readonly fix: string;
}

const notCron: WrongCron = {
  is: 'is not a cron expression',
  fix: 'write five or six fields, from minute (or second) to day of the week: */5 * * * *',
};
const neverDue: WrongCron = {
  is: 'never matches: none of its months has such a day',
  fix: 'correct its day or its month; L is the last day of a month',
};

/** Detecting that a date never occurs takes a tenth of a second, and manifests are read repeatedly. */
const knownCrons = new Map<string, WrongCron | undefined>();
const mostKnownCrons = 10_000;

function wrongCron(cron: string): WrongCron | undefined {
  if (knownCrons.has(cron)) return knownCrons.get(cron);
  const wrong = checkCron(cron);
  if (knownCrons.size >= mostKnownCrons) knownCrons.clear();
  knownCrons.set(cron, wrong);
  return wrong;
}

function checkCron(cron: string): WrongCron | undefined {
  try {
    return new Cron(cron, { paused: true }).nextRun() === null ? neverDue : undefined;
  } catch {
    return notCron;
  }
}

function syncSpec(spec: SyncManifestSpec): SyncSpec {
  const { source, destination, batch, placement, safetyLag } = spec;
  return {
    source: {
      ...pick(source, [...objectFields, ...sourceFields, 'key', 'idField', 'timestampField', 'timeZone']),
      ...(source.columns && { columns: source.columns.map(recordColumn) }),
      dataSource: source.dataSource,
    },
    destination: {
      ...pick(destination, [...objectFields, ...destinationFields, 'key']),
      dataSource: destination.dataSource,
      existingRows: destination.existingRows,
    },
    mode: spec.mode,
    writeMode: spec.writeMode,
    schedule: scheduleOf(spec.schedule),
    batch: { maxRows: batch.maxRows, maxBytes: known(parseSize(batch.maxBytes)) },
    ...(safetyLag === undefined ? {} : { safetyLagMs: known(parseDuration(safetyLag)) }),
    isSuspended: spec.suspend,
    createTable: spec.createTable,
    schemaChanges: spec.schemaChanges,
    onError: spec.onError,
    deletes: spec.deletes,
    redactsKeys: spec.redactKeys,
    placement: { agentSelector: placement?.agentSelector ?? {}, ...pick(placement ?? {}, ['weight']) },
  };
}

function scheduleOf({
  every,
  cron,
  timeZone,
  continuous,
}: SyncManifestSpec['schedule']): SyncSpec['schedule'] {
  if (every !== undefined) return { kind: 'every', everyMs: known(parseDuration(every)) };
  if (cron !== undefined) return { kind: 'cron', cron, timeZone: timeZone ?? 'UTC' };
  return { kind: continuous ? 'continuous' : 'once' };
}

function dataSourceSpec(
  spec: Readonly<Record<string, unknown>>,
  systems: readonly SystemSchema[],
): DataSourceSpec {
  const type = known(systems.find((each) => spec[each.type] !== undefined)?.type);
  const { placement, ...limits } = spec as {
    readonly placement?: { readonly agentSelector?: Record<string, string> };
  };
  return {
    type,
    config: spec[type] as DataSourceSpec['config'],
    ...pick(limits as Pick<DataSourceSpec, 'maxConcurrentSyncs' | 'maxRowsPerSecond'>, [
      'maxConcurrentSyncs',
      'maxRowsPerSecond',
    ]),
    placement: { agentSelector: placement?.agentSelector ?? {} },
  };
}

/** Guaranteed by the schema and the rules. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw bug('a valid manifest lacks what the engine needs');
  return value;
}

/** The system that a DataSource's spec names, if any; for lists, which must not fail because of one invalid object. */
export function systemOf(
  spec: unknown,
  systems: readonly { readonly type: SystemType }[],
): SystemType | undefined {
  if (typeof spec !== 'object' || spec === null) return undefined;
  return systems.find((each) => each.type in spec)?.type;
}
