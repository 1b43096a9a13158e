import { ServerMissing } from './find.ts';

/**
 * A server that is not on this machine fails every test that needs it, with a guard or without: if nothing else has failed, nothing was
 * proven, and the guard counts as skipped. `output`: of the reporter spec, which ends with what has failed.
 */
export function onlyMissing(output: string): ServerMissing | undefined {
  const [, ...failures] = (output.split('failing tests:').at(-1) ?? '').split(/^test at /m);
  // The tests of a suite whose server is missing.
  const own = failures.filter((failure) => !failure.includes('was cancelled'));
  const missing = own.map((failure) =>
    failure.includes("code: 'SERVER_MISSING'") ? /(\w+): not found; searched (.*)/.exec(failure) : null,
  );
  const [first] = missing;
  if (!first || missing.includes(null)) return undefined;
  return new ServerMissing(first[1] ?? '', first[2] ?? '');
}
