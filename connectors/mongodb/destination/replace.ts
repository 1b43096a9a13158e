import { createHash, randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import type { WritePlan } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { replaceCountDiffers, shadowMissing } from '../../sql/destination/shadow.ts';
import { findCollection, listIndexes } from '../describe.ts';
import { longMs, type Session } from '../session.ts';
import { newAttempt } from './commit-rows.ts';
import { createCollection, createIndexes, dropCollection, keyIndexOf, renameCollection } from './ddl.ts';
import type { IdForm } from './document-keys.ts';
import type { ClaimInit, HeldCommit } from './held-commit.ts';

/**
 * The shadow of a Replace pass: a collection beside the target, which a rename puts in its place. Its name is new with each claim, and is in
 * the commit document: an earlier owner that was paused before its rename finds no collection of its own name any more.
 */
function newShadowName(uid: string, collection: string): string {
  const hash = createHash('sha256').update(`${uid} ${collection}`).digest('hex').slice(0, 12);
  return `_idra_shadow_${hash}_${randomBytes(6).toString('hex')}`;
}

/** Options of the target that a new collection gets too; what else a rename loses is in replaceFindings. */
const keptOptions = [
  ...['validator', 'validationLevel', 'validationAction', 'collation', 'storageEngine'],
  ...['changeStreamPreAndPostImages', 'clusteredIndex'],
];

/** Like the target: its options and indexes, or those that a created collection gets. */
async function createShadow(
  session: Session,
  shadow: string,
  target: string,
  { plan, form }: { readonly plan: WritePlan; readonly form: IdForm },
): Promise<void> {
  const existing = await findCollection(session, target);
  const given = existing
    ? Object.entries(existing.options).filter(([name]) => keptOptions.includes(name))
    : [];
  await createCollection(session, shadow, Object.fromEntries(given));
  const own = keyIndexOf(plan, form);
  const indexes = existing
    ? (await listIndexes(session, target)).map(({ definition }) => copyOf(definition))
    : own
      ? [own]
      : [];
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

async function countShadow(session: Session, shadow: string): Promise<number | undefined> {
  if (!(await findCollection(session, shadow))) return undefined;
  return await session.collection(shadow).countDocuments({}, { maxTimeMS: longMs });
}

interface ShadowInit {
  readonly init: Pick<ClaimInit, 'session' | 'commits' | 'collection' | 'request' | 'transactions' | 'form'>;
  readonly held: HeldCommit;
  /** The shadow of an earlier beginning. */
  readonly before: string | undefined;
}

/** The shadow of one pass under one claim. */
export class ShadowPass {
  readonly name: string;
  readonly #init: ShadowInit;
  /** Documents that it must have. */
  rows: number;

  private constructor(init: ShadowInit, name: string, rows: number) {
    this.#init = init;
    this.name = name;
    this.rows = rows;
  }

  static async begin(
    given: ShadowInit,
    isResumed: boolean,
    named: (name: string) => void,
  ): Promise<ShadowPass> {
    const { session, commits, collection, request, form } = given.init;
    const { plan } = request;
    const { held, before } = given;
    const stored = await commits.find(plan.uid);
    const name = newShadowName(plan.uid, collection);
    const rows = isResumed ? Number(stored?.shadowRows ?? 0) : 0;
    held.committed(await held.advance({ written: 0, shadow: { name, rows } }, held.offset, undefined));
    named(name);
    if (isResumed && (before === undefined || !(await renameCollection(session, before, name, false))))
      throw shadowMissing(collection);
    if (isResumed) return new ShadowPass(given, name, rows);
    if (before !== undefined) await dropShadow(session, before);
    await createShadow(session, name, collection, { plan, form });
    return new ShadowPass(given, name, rows);
  }

  /** Returns the identity of the collection that is the target now. */
  async swap(offset: string | null): Promise<string | undefined> {
    const { held } = this.#init;
    const { session, collection, transactions } = this.#init.init;
    const found = await countShadow(session, this.name);
    if (found === undefined) throw shadowMissing(collection);
    if (found !== this.rows) throw replaceCountDiffers(collection, found, this.rows);
    const target = (await findCollection(session, this.name))?.identity;
    const attempt = newAttempt();
    transactions?.begin();
    // While this is not committed, no claimant can store another token.
    const change = { written: 0, shadow: { name: null, rows: 0 }, target, attempt };
    const stored = await held.advance(change, offset, transactions?.client);
    await reach('commit:before');
    if (!(await renameCollection(session, this.name, collection, true))) {
      await transactions?.abort();
      throw shadowMissing(collection);
    }
    if (transactions && !(await transactions.commit(() => held.isStored(attempt))))
      throw writeIsFenced(held.token);
    held.committed(stored);
    return target;
  }
}

export async function dropShadow(session: Session, shadow: string): Promise<void> {
  if (shadow.startsWith('_idra_shadow_')) await dropCollection(session, shadow);
}
