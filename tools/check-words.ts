import { isPage, isSource } from './check-docs.ts';
import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/** Words that this project does not use, in any sense, and what to write instead. Words with an ordinary use as well are not listed. */
const unwanted: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\b(?:un)?mend(?:s|ed|ing)?\b/i, 'fix or remedy'],
  [/\b(?:Sync|sync)Memory\b/, 'SyncProgress'],
  [/\b(?:former|same|isSame|offset)Meanings?\b/, 'fingerprint'],
  [/\b(?:take|taken|give|given)Places?\b|\bplaces\b(?= of (?:a|the|both) DataSource)/, 'slots'],
  [/\b(?:Outbox|outbox)\b/, 'WriteQueue'],
  [/\bEtcdReader\b/, 'EtcdKv'],
  [/\bOpenWork\b|\bisLoose\b/, 'OpenTransaction, isEstimated'],
  [/\bblindness\b/i, 'limitation'],
  [/\b(?:roomiest|homeless)\b/i, 'leastLoaded, unplaced'],
  [/\bComplaints\b/, 'ThrottledWarnings'],
  [/\b(?:Etcd)?Picture(?:Listener)?\b/, 'EtcdView'],
  [/\b(?:troubled|shown)Status\b|\bhappenings\b/, 'failureStatus, effectiveStatus, eventsFor'],
  [/\btest-ends\b/, 'test-harness'],
  [/\bsqlServerFields\b/, 'databaseServerFields'],
  [/\banew\b/i, 'again, restart or retry'],
  [/\b(?:lets?|letting) go\b/i, 'release or delete'],
  [/\bexactly one thing\b/i, 'exactly one of'],
  [/\b(?:go|goes) the way of\b/i, 'are handled by'],
  [/\bmistakes? of Idra\b/i, 'a bug in Idra'],
  [/\bneeds? a person\b/i, 'action required'],
  [/\bno agent is there\b/i, 'no agent is running'],
  [/\brows (?:are )?on their way\b/i, 'moving rows'],
  [/\bonce more\b/i, 'again'],
  [/\bthe one pass that\b/i, 'the pass'],
  [/\bswarms?\b/i, 'bursts'],
  [/\b(?:is|are) dear\b/i, 'expensive'],
  [/\bso that (?:it|there) is no more\b/i, 'a plain sentence'],
];

/** The lines of a file that have one of these words. */
export function checkWords(file: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      unwanted.flatMap(([pattern, instead]) =>
        pattern.test(line) ? [`${file}:${index + 1} has "${pattern.exec(line)?.[0]}": write ${instead}`] : [],
      ),
    );
}

if (import.meta.main) {
  const files = projectFiles().filter(
    (file) => (isPage(file) || isSource(file)) && file !== 'tools/check-words.ts',
  );
  reportProblems(files.flatMap((file) => checkWords(file, readProjectFile(file))));
}
