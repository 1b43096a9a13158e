import type { Guard } from './guard.ts';

/** Each of them protects credentials, or rows of an HTTP API. */
export const ofHttp: readonly Guard[] = [
  {
    name: 'HTTP: a connection goes to an address that is allowed',
    file: 'connectors/http/connection/allowed-address.ts',
    from: 'const allowed = found.filter(({ address }) => allows(rule, address));',
    to: 'const allowed = found;',
    caughtBy: { test: 'connectors/http/connection/exchange.test.ts', only: 'resolves to a private' },
  },
  {
    name: 'HTTP: a redirect is followed only within the origin',
    file: 'connectors/http/session.ts',
    from: ' || target?.origin !== this.config.origin',
    to: '',
    caughtBy: { test: 'connectors/http/connection/exchange.test.ts', only: 'redirects' },
  },
  {
    name: 'HTTP: a next link leads to the origin of the API',
    file: 'connectors/http/session.ts',
    from: "url?.origin === origin && url.username === ''",
    to: "url !== null && url.username === ''",
    caughtBy: { test: 'connectors/http/source/page-walk.test.ts', only: 'next link to another origin' },
  },
  {
    name: 'HTTP: a page begins with an item that was seen',
    file: 'connectors/http/source/page-walk.ts',
    from: 'if (!isPlain && !this.#isSeen(first)) {',
    to: 'if (first === undefined) {',
    caughtBy: { test: 'connectors/http/source/page-walk.test.ts', only: 'offset: items that move' },
  },
  {
    name: 'HTTP: the page before is read again',
    file: 'connectors/http/source/page-walk.ts',
    from: 'if (paging.isRechecked && this.#history.length > 0)',
    to: 'if (this.#history.length > 100_000)',
    caughtBy: { test: 'connectors/http/source/page-walk.test.ts', only: 'page: items that move' },
  },
  {
    name: 'HTTP: the offset moves when the whole list was read',
    file: 'connectors/http/source/batches.ts',
    from: 'offset: isLast',
    to: 'offset: isLast || this.#largest !== undefined',
    caughtBy: { test: 'connectors/http/source/late-rows.test.ts', only: 'in any order' },
  },
  {
    name: 'HTTP: times that may not be final are held back',
    file: 'connectors/http/source/late-row-bound.ts',
    from: 'return ms !== undefined && ms < boundMs;',
    to: 'return ms !== undefined && ms < boundMs + 86_400_000;',
    caughtBy: { test: 'connectors/http/source/late-rows.test.ts', only: 'may not be final' },
  },
  {
    name: 'HTTP: an id is read when it is final',
    file: 'connectors/http/source/source.ts',
    from: "request.mode === 'Id' && lagOf(request) > 0 && start",
    to: "request.mode === 'Id' && lagOf(request) > 100_000_000 && start",
    caughtBy: { test: 'connectors/http/source/late-rows.test.ts', only: 'appears late' },
  },
  {
    name: 'HTTP: a list that is missing is not an empty one',
    file: 'connectors/http/source/page-reader.ts',
    from: 'throw this.#noItems(envelope);',
    to: 'return;',
    caughtBy: { test: 'connectors/http/source/source.test.ts', only: 'an empty list' },
  },
  {
    name: 'HTTP: a value of a row is no part of a path',
    file: 'connectors/http/destination/batch-writer.ts',
    from: 'if (url.pathname === written) return url;',
    to: 'if (url.pathname !== undefined) return url;',
    caughtBy: { test: 'connectors/http/destination/destination.test.ts', only: 'values that JSON or a path' },
  },
  {
    name: 'HTTP: a repeated call has its key again',
    file: 'connectors/http/destination/destination.ts',
    from: 'const first = this.#isAtomic ? this.#rows : 0;',
    to: 'const first = this.#isAtomic ? this.#rows : Math.floor(Math.random() * 1e9);',
    caughtBy: { test: 'connectors/http/destination/destination.test.ts', only: 'a repeated call has again' },
  },
  {
    name: 'HTTP: a list whose largest value is below the offset stops the Sync',
    file: 'connectors/http/source/source-behind.ts',
    from: 'if (this.#field.compare(newest, since) >= 0) return;',
    to: 'if (newest !== since) return;',
    caughtBy: {
      test: 'connectors/http/source/late-rows.test.ts',
      only: 'a list whose largest value is below the offset',
    },
  },
  {
    name: 'fields of another system are refused by the manifest',
    file: 'core/manifest/system-field-rules.ts',
    from: 'return ends.flatMap((end) => fieldsOfOthers(end, offered.systems));',
    to: 'return ends.flatMap((end) => fieldsOfOthers(end, offered.systems).slice(0, 0));',
    caughtBy: { test: 'crds/custom-resources.test.ts', only: 'our own validation' },
  },
];
