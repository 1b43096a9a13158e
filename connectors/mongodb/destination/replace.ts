import { createHash, randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import type { WritePlan } from '../../../core/connector.ts';
import { findCollection, listIndexes } from '../describe.ts';
import { longMs, type Session } from '../session.ts';
import { createCollection, createIndexes, dropCollection, keyIndexOf, renameCollection } from './ddl.ts';
import type { IdForm } from './document-keys.ts';

/**
 * The shadow of a Replace pass: a collection beside the target, which a rename puts in its place. Its name is new with each claim, and is in
 * the commit document: an earlier owner that was paused before its rename finds no collection of its own name any more.
 */
export function newShadowName(uid: string, collection: string): string {
  const hash = createHash('sha256').update(`${uid} ${collection}`).digest('hex').slice(0, 12);
  return `_idra_shadow_${hash}_${randomBytes(6).toString('hex')}`;
}

/** Options of the target that a new collection gets too; what else a rename loses is in replaceFindings. */
const keptOptions = [
  ...['validator', 'validationLevel', 'validationAction', 'collation', 'storageEngine'],
  ...['changeStreamPreAndPostImages', 'clusteredIndex'],
];

/** Like the target: its options and indexes, or those that a created collection gets. */
export async function createShadow(
  session: Session,
  shadow: string,
  target: string,
  { plan, form }: { readonly plan: WritePlan; readonly form: IdForm },
): Promise<void> {
  const existing = await findCollection(session, target);
  const given = existing ? Object.entries(existing.options).filter(([name]) => keptOptions.includes(name)) : [];
  await createCollection(session, shadow, Object.fromEntries(given));
  const own = keyIndexOf(plan, form);
  const indexes = existing ? (await listIndexes(session, target)).map(({ definition }) => copyOf(definition)) : own ? [own] : [];
  await createIndexes(
    session,
    shadow,
    indexes.filter(({ name }) => name !== '_id_'),
  );
}

function copyOf(index: Document): Document {
  const { ns: _ns, background: _background, ...definition } = index;
  return definition;
}

export async function countShadow(session: Session, shadow: string): Promise<number | undefined> {
  if (!(await findCollection(session, shadow))) return undefined;
  return await session.collection(shadow).countDocuments({}, { maxTimeMS: longMs });
}

export async function swapShadow(session: Session, shadow: string, target: string): Promise<boolean> {
  return await renameCollection(session, shadow, target, true);
}

export async function takeShadow(session: Session, from: string, to: string): Promise<boolean> {
  return await renameCollection(session, from, to, false);
}

export async function dropShadow(session: Session, shadow: string): Promise<void> {
  if (shadow.startsWith('_idra_shadow_')) await dropCollection(session, shadow);
}
