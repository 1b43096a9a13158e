import type { SystemReport } from '../../core/connector.ts';
import { type Finding, IdraError } from '../../core/errors.ts';
import type { Mode, WriteMode } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { type CollectionInfo, listIndexes } from './describe.ts';
import { shellName } from './names.ts';
import type { Session } from './session.ts';
import { ChangeEvents } from './source/change-events.ts';
import { dottedPath, idName } from './source/relation.ts';

const oldestVersion = [4, 4] as const;
/** Below this number, reading the whole collection in each pass is acceptable. */
const smallRows = 10_000;

/** Version and login; independent of what is synced. */
export function reportSystem(session: Session): SystemReport {
  const { version, kind } = session.facts;
  const findings =
    session.rule.hasPassword && session.mechanism === 'PLAIN' ? passwordFindings(session.rule, false) : [];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1])) {
    findings.push({
      severity: 'error',
      code: 'ServerTooOld',
      message: `MongoDB ${version} is older than ${oldestVersion.join('.')}`,
      fix: 'upgrade the server',
    });
  }
  if (kind === 'standalone') findings.push(withoutTransactions('info'));
  return { version: `MongoDB ${version}`, findings };
}

function withoutTransactions(severity: Finding['severity']): Finding {
  return {
    severity,
    code: 'NoTransactions',
    message:
      'the server is not a member of a replica set: as a destination it is written at least once, and an earlier owner that was paused is not refused; as a source it has no change stream',
    fix: 'make it a replica set, of one member if need be',
  };
}

interface Reading {
  readonly mode: Mode;
  readonly collection: string;
  /** Column of idField or timestampField. */
  readonly field: string | undefined;
  readonly relation: Relation | undefined;
}

export async function readFindings(
  session: Session,
  reading: Reading,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { mode, collection } = reading;
  if (mode === 'Stream') return await streamFindings(session, collection, signal);
  return mode === 'Snapshot' ? [] : await indexFindings(session, reading, signal);
}

/** Whether the log can be read at all: the server must have one, and this user the right to it. */
async function streamFindings(session: Session, collection: string, signal: AbortSignal): Promise<Finding[]> {
  try {
    const stream = await ChangeEvents.open(
      session,
      { collection, from: undefined, hasImages: false },
      signal,
    );
    await stream.close();
    return [];
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof IdraError) || thrown.disposition !== 'permanent') throw thrown;
    const { code, message, path = 'spec.mode', fix } = thrown;
    return [{ severity: 'error', code, message, path, fix }];
  }
}

async function indexFindings(
  session: Session,
  { mode, collection, field, relation }: Reading,
  signal: AbortSignal,
): Promise<Finding[]> {
  const isKnown = relation?.columns.some(({ name }) => name === field);
  if (
    field === undefined ||
    !relation ||
    !isKnown ||
    relation.isOpaque ||
    (relation.estimatedRows ?? smallRows) < smallRows
  )
    return [];
  const path = dottedPath(field, relation.recordColumns);
  const indexes = await listIndexes(session, collection, signal);
  const isByTime = mode.endsWith('Timestamp');
  const isIndexed = indexes.some(({ fields, isPlain, isUnique }) => {
    const [first, second] = fields;
    // By an id that several documents may have, documents are ordered by the id and their _id.
    const isEnough = second?.[0] === idName || (!isByTime && (path === idName || (isUnique && !second)));
    return isPlain && first?.[0] === path && isEnough;
  });
  if (isIndexed) return [];
  const key = `{ ${JSON.stringify(path)}: 1, _id: 1 }`;
  return [
    {
      severity: 'warning',
      code: 'FieldNotIndexed',
      path: isByTime ? 'spec.source.timestampField' : 'spec.source.idField',
      message: `${collection} has no index over ${key}: each pass reads and sorts the whole collection`,
      fix: `${shellName(collection)}.createIndex(${key})`,
    },
  ];
}

/** What a collection must be so that documents can be written to it. */
export function kindFindings({ name, kind, options }: CollectionInfo, path: string): Finding[] {
  const refuse = (what: string): Finding => ({
    severity: 'error',
    code: 'NotATable',
    path,
    message: `${name} is ${what}, but documents are written only to ordinary collections`,
    fix: 'name another collection',
  });
  if (kind === 'view') return [refuse('a view')];
  if (kind === 'timeseries') return [refuse('a time series')];
  if (options.capped === true) return [refuse('capped: its oldest documents vanish')];
  if (options.encryptedFields !== undefined) return [refuse('encrypted by its clients')];
  return options.validator === undefined ? [] : [validated(name, options.validationAction === 'warn', path)];
}

function validated(name: string, onlyWarns: boolean, path: string): Finding {
  return {
    severity: 'info',
    code: 'TypeNote',
    path,
    message: onlyWarns
      ? `${name} has a validator that only warns: documents that do not fit are written`
      : `${name} has a validator: documents that do not fit it are handled by onError`,
  };
}

/** Rights on the database, as far as the server tells them. */
export async function writeFindings(
  session: Session,
  collection: string,
  writeMode: WriteMode,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = session.facts.hasTransactions ? [] : [withoutTransactions('warning')];
  const missing = await missingActions(session, collection, writeMode, signal);
  if (missing.length === 0) return findings;
  const { databaseName } = session.database;
  return [
    {
      severity: 'error',
      code: 'PermissionDenied',
      path: 'spec.destination.dataSource',
      message: `this user lacks ${missing.join(', ')} on ${databaseName}.${collection}`,
      fix: session.grantFix('readWrite'),
    },
    ...findings,
  ];
}

const needed: Readonly<Record<WriteMode, readonly string[]>> = {
  Append: ['find', 'insert', 'update', 'createCollection', 'createIndex', 'listCollections', 'listIndexes'],
  Upsert: ['find', 'insert', 'update', 'createCollection', 'createIndex', 'listCollections', 'listIndexes'],
  Replace: [
    ...[
      'find',
      'insert',
      'update',
      'remove',
      'createCollection',
      'createIndex',
      'listCollections',
      'listIndexes',
    ],
    ...['dropCollection', 'renameCollectionSameDB'],
  ],
};

/** Empty also if the server has no users, or does not list the rights of this one. */
async function missingActions(
  session: Session,
  collection: string,
  writeMode: WriteMode,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answer = await session
    .command({ connectionStatus: 1, showPrivileges: true }, signal)
    .catch((thrown: unknown) => {
      if (thrown instanceof IdraError && thrown.disposition === 'permanent') return undefined;
      throw thrown;
    });
  const privileges: unknown = answer?.authInfo?.authenticatedUserPrivileges;
  if (!Array.isArray(privileges) || privileges.length === 0) return [];
  const { databaseName } = session.database;
  const held = new Set<string>();
  for (const { resource, actions } of privileges) {
    const isAny = resource?.anyResource === true;
    const isDatabase = resource?.db === databaseName || resource?.db === '';
    const isCollection = resource?.collection === collection || resource?.collection === '';
    if ((isAny || (isDatabase && isCollection)) && Array.isArray(actions))
      for (const each of actions) held.add(String(each));
  }
  return held.has('anyAction') ? [] : needed[writeMode].filter((each) => !held.has(each));
}
