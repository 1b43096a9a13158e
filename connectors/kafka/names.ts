import { permanent } from '../../core/errors.ts';
import type { NameRules } from '../../core/name-rules.ts';

/** Where destinations keep their commit rows: a compacted topic. */
export const commitTopic = '_idra_commits';

const transactionalIdPrefix = 'idra-';

/** One stable id for each Sync: its next owner fences the one before at the brokers. */
export function transactionalIdOf(uid: string): string {
  return `${transactionalIdPrefix}${uid}`;
}

/** One text for each partition of all topics. */
export function partitionName({
  topic,
  partition,
}: {
  readonly topic: string;
  readonly partition: number;
}): string {
  return `${topic}/${partition}`;
}

const topicPattern = /^[A-Za-z0-9._-]{1,249}$/;

/** Throws NameInvalid. */
export function requireTopicName(name: string, path: string): string {
  const isName = topicPattern.test(name) && name !== '.' && name !== '..';
  if (isName) return name;
  throw permanent('NameInvalid', `"${name}" is not the name of a topic`, {
    path,
    fix: 'a topic has up to 249 letters, digits, dots, - and _',
  });
}

/** What a source reads: one topic, or all whose names match a pattern with `*`. */
export interface TopicChoice {
  /** As in the manifest. */
  readonly name: string;
  readonly isPattern: boolean;
  matches(topic: string): boolean;
}

export function topicChoice(name: string, path: string): TopicChoice {
  if (!name.includes('*')) {
    requireTopicName(name, path);
    return { name, isPattern: false, matches: (topic) => topic === name };
  }
  requireTopicName(name.replaceAll('*', 'x').slice(0, 249), path);
  const parts = name.split('*');
  // Topics of the brokers and of Idra are chosen only by their names.
  return { name, isPattern: true, matches: (topic) => !topic.startsWith('_') && isLike(topic, parts) };
}

/** In time that grows with the length only, whatever the pattern. */
function isLike(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.at(-1) ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest.slice(0, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

export const topicNames: NameRules = {
  unit: 'bytes',
  maxLength: 249,
  fold: (name) => name,
  partsOf: (name) => [name],
};
