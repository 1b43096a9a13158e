import type { ErrorEntries } from './entry.ts';

/** Calls of an HTTP API, and their answers. */
export const callCodes = {
  AddressRefused: {
    cause:
      'The host is, or resolves to, an address that requests may not reach: a private one, or that of a cloud metadata service.',
    remedy:
      'Set allowPrivateAddresses of the DataSource if the API is in your own network; addresses of metadata services are always refused.',
    systems: ['HTTP'],
  },
  AnswerHasError: {
    cause: 'The API answered with success, and its answer contains an error at errorPath.',
    remedy: 'Correct the call by the documentation of the API; it is retried.',
    systems: ['HTTP'],
  },
  AnswerIncomplete: {
    cause:
      'The API answered with a status of success that stands for no whole list: 202 (it is not made yet), 206 (a part of it), or another one.',
    remedy:
      'After 202 it is retried. Otherwise set path to a list that the API answers with 200, and ask for its parts by source.paging.',
    systems: ['HTTP'],
  },
  AnswerInvalid: {
    cause:
      'The answer of the API is not JSON, or does not have its rows or its next page where the Sync says.',
    remedy: 'Correct itemsPath and paging by an answer of the API, or the url and path that are called.',
    systems: ['HTTP'],
  },
  AnswerTooLarge: {
    cause: 'An answer, or one row in it, is larger than Idra reads.',
    remedy: 'Ask for smaller pages with source.paging.limit, or for fewer fields by parameters in path.',
    systems: ['HTTP'],
  },
  CallRefused: {
    cause: 'The API refuses a call by a status that no retry changes.',
    remedy: 'Correct path, method, parameters and bodyTemplate by the documentation of the API.',
    systems: ['HTTP'],
  },
  NextPageRefused: {
    cause:
      'The link to the next page leads to another origin than that of the DataSource. It was not followed, because it would get the credentials.',
    remedy: 'Set url to the origin that the links have, or use another kind of source.paging.',
    systems: ['HTTP'],
  },
  NextPageUnread: {
    cause:
      'The answer names a next page, and source.paging does not lead to it: the Sync would have only a part of the list.',
    remedy:
      'Set source.paging as the message says, or paging.onePage to true if the first page is all that is wanted.',
    systems: ['HTTP'],
  },
  PageRepeated: {
    cause: 'The API returned a page that was read before in the same pass, so its pages would never end.',
    remedy: 'Correct source.paging: most often the API does not know the parameter that it names.',
    systems: ['HTTP'],
  },
  PagesShifted: {
    cause:
      'Most of a list changed while it was read, so that rows may have moved to pages that were read before.',
    remedy:
      'Nothing: it is read again. If it repeats, use paging by a cursor, or an order in which rows keep their places.',
    systems: ['HTTP'],
  },
  RateLimited: {
    cause: 'The API limits the rate of calls.',
    remedy: 'Nothing: it is retried when the API permits. Fewer Syncs or a longer schedule make fewer calls.',
    systems: ['HTTP'],
  },
  RedirectRefused: {
    cause: 'The API redirects to another origin, in a circle, or for a call that writes.',
    remedy: 'Set url of the DataSource to where the API answers without a redirect.',
    systems: ['HTTP'],
  },
  TemplateInvalid: {
    cause: 'A template of a path or body is not valid.',
    remedy: 'Write it as docs/http.md describes.',
    systems: ['HTTP'],
  },
  WholeListRead: {
    cause:
      'No parameter tells the API what was read before, so each pass in mode Id or Timestamp reads the whole list.',
    remedy: 'Set source.param to the parameter with which the API leaves out older items, if it has one.',
    systems: ['HTTP'],
  },
} as const satisfies ErrorEntries;
