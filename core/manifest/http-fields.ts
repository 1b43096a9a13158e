import { z } from 'zod';
import { text } from './fields.ts';

/** Fields of spec.source and spec.destination for HTTP APIs. */
const path = (what: string) =>
  text({
    max: 2_048,
    pattern: /^\/([^/\\#][^\\#]*)?$/,
    says: 'write a path that begins with one slash, relative to the url of the DataSource: /v1/orders',
  })
    .optional()
    .describe(what);
const parameter = () => text({ max: 128 }).optional();
/** Where a value is in an answer. */
const answerPath = () => text({ max: 512 }).optional();

const paging = z.strictObject({
  cursorPath: answerPath().describe(
    'Where the answer has the cursor of the next page; behind ITEMS[-1] a path in the last item: data[-1].id.',
  ),
  cursorParam: parameter().describe('Query parameter that takes the cursor.'),
  pageParam: parameter().describe('Query parameter that takes the number of a page.'),
  firstPage: z.int().min(0).max(1).default(1).describe('Number of the first page.'),
  offsetParam: parameter().describe('Query parameter that takes the number of items to skip.'),
  linkHeader: z
    .literal(true)
    .optional()
    .describe('true: the header Link has the URL of the next page (rel="next").'),
  nextUrlPath: answerPath().describe('Where the answer has the URL of the next page.'),
  limitParam: parameter().describe('Query parameter that takes the size of a page; needs limit.'),
  limit: z.int().min(1).max(100_000).optional().describe('Size of a page to ask for.'),
  morePath: answerPath().describe('Where the answer says whether there are more pages: has_more.'),
  onePage: z
    .literal(true)
    .optional()
    .describe('true: only the first page is read, also if the answer names a next one (NextPageUnread).'),
  recheck: z
    .boolean()
    .optional()
    .describe(
      'true: pages are checked for items that have moved to a page that was read before; default: true for pageParam, which then reads each page twice, and for offsetParam; false for the others.',
    ),
});

export const httpSourceFields = {
  path: path('Path of a list of an HTTP API, with its query; may contain templates (docs/http.md).'),
  method: z.enum(['GET', 'POST']).optional().describe('Method with which an HTTP API is read; default: GET.'),
  bodyTemplate: text({ max: 16_384 })
    .optional()
    .describe('JSON body of the calls with which an HTTP API is read; may contain templates.'),
  itemsPath: text({ max: 512 })
    .optional()
    .describe(
      'Where the answer of an HTTP API has the list of items: data.items; default: the answer is the list.',
    ),
  errorPath: answerPath().describe('Where an answer with a status of success may contain an error.'),
  param: parameter().describe(
    'Query parameter that takes the offset in modes Id and Timestamp, with which the API leaves out older items.',
  ),
  paramFormat: z
    .enum(['ISO', 'Unix', 'UnixMs', 'Date'])
    .optional()
    .describe(
      'How a time is written in param: ISO 8601 (default), seconds or milliseconds since 1970, a date.',
    ),
  paging: paging.optional().describe('How the pages of a list are read; default: there is one page.'),
};

export const httpDestinationFields = {
  path: path(
    'Path of an HTTP API to which rows are sent; may contain values of the row: /v1/orders/{{ row.id }}.',
  ),
  method: z
    .enum(['POST', 'PUT', 'PATCH'])
    .optional()
    .describe('Method with which rows are sent; default: PUT for Upsert, POST for Append.'),
  bodyTemplate: text({ max: 16_384 })
    .optional()
    .describe(
      'Body of a call: a template with {{ row }} or its fields, or with {{ rows }} for one call with many rows; default: the row as JSON.',
    ),
  contentType: z
    .enum(['JSON', 'Form', 'NDJSON'])
    .optional()
    .describe('What bodyTemplate makes: JSON (default), a form, or lines of JSON.'),
  deletePath: path(
    'Path of an item, to which DELETE is sent for deletes: Hard; default: path, if it has the key.',
  ),
  rowsPerCall: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Maximum number of rows in a call whose bodyTemplate has {{ rows }}; default: 500.'),
  parallelCalls: z
    .int()
    .min(1)
    .max(32)
    .optional()
    .describe('Maximum number of calls at the same time; rows of one key keep their order; default: 1.'),
  idempotencyHeader: text({
    max: 128,
    pattern: /^[A-Za-z0-9-]+$/,
    says: 'write the name of a header: Idempotency-Key',
  })
    .optional()
    .describe('Header with a key that is the same when a call is repeated; default: Idempotency-Key.'),
  errorPath: answerPath().describe('Where an answer with a status of success may contain an error.'),
  results: z
    .strictObject({
      path: text({ max: 512 }).describe(
        'Where the answer has the list of results, one for each row in order.',
      ),
      errorPath: answerPath().describe('Where a result has its error; without one the row was stored.'),
      statusPath: answerPath().describe('Where a result has its status; 200 to 299: the row was stored.'),
    })
    .optional()
    .describe('Results of single rows in the answer to a call with many rows.'),
};
