import { jsonAccess } from '../../../core/records/json.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import { formatPath, type Step } from '../../../core/records/path.ts';
import { type HeaderValues, textOf } from '../connection/rate-limits.ts';

/** What of an answer may name a page after it. */
interface Answered {
  /** That was called. */
  readonly url: URL;
  readonly headers: HeaderValues;
  /** Undefined: the answer has no body. */
  readonly envelope: JsonValue | undefined;
}

/** A next page that an answer names, for messages. */
interface UnreadPage {
  readonly at: string;
  readonly fix: string;
}

/** Where documented conventions have the URL of the next page: OData, Microsoft Graph, JSON:API, HAL, Django REST, Laravel, Facebook. */
const urlPaths: readonly (readonly string[])[] = [
  ['@odata.nextLink'],
  ['odata.nextLink'],
  ['nextLink'],
  ['next'],
  ['next_page_url'],
  ['links', 'next'],
  ['links', 'next', 'href'],
  ['_links', 'next'],
  ['_links', 'next', 'href'],
  ['paging', 'next'],
  ['pagination', 'next'],
  ['meta', 'next'],
];
/** Flags that say nothing else: of Stripe, of many others, and of GraphQL connections. */
const flagPaths: readonly (readonly string[])[] = [
  ['has_more'],
  ['hasMore'],
  ['hasNextPage'],
  ['pageInfo', 'hasNextPage'],
];

/**
 * Whether an answer plainly names a page after it. Only what can mean nothing else counts, because a Sync stops for it: a URL of another page
 * where a convention has it, and a flag of a known name that is true, beside the list or around it.
 */
export function unreadPage(
  { url, headers, envelope }: Answered,
  itemsPath: readonly Step[],
): UnreadPage | undefined {
  const link = nextLink(headers);
  if (link !== undefined && isOtherPage(link, url))
    return { at: 'the header Link', fix: 'set paging: { linkHeader: true }' };
  if (envelope === undefined) return undefined;
  const around = itemsPath.length === 0 ? [[]] : [[], itemsPath.slice(0, -1)];
  for (const outer of around)
    for (const inner of urlPaths) {
      const value = valueAtPath(jsonAccess, envelope, [...outer, ...inner]);
      if (!isUrlOfPage(value, url)) continue;
      const path = formatPath([...outer, ...inner]);
      return { at: path, fix: `set paging: { nextUrlPath: "${path.replaceAll('\\', '\\\\')}" }` };
    }
  for (const outer of around)
    for (const inner of flagPaths)
      if (valueAtPath(jsonAccess, envelope, [...outer, ...inner]) === true)
        return {
          at: formatPath([...outer, ...inner]),
          fix: 'set paging to the kind that the documentation of the API describes',
        };
  return undefined;
}

function isUrlOfPage(value: JsonValue | undefined, url: URL): boolean {
  return typeof value === 'string' && /^(https?:\/\/|\/|\?)/.test(value) && isOtherPage(value, url);
}

/** A link to the page itself names no other one. */
function isOtherPage(link: string, url: URL): boolean {
  const target = URL.parse(link, url.href);
  return target !== null && target.href !== url.href;
}

/** RFC 8288: the target with the relation `next`. */
export function nextLink(headers: HeaderValues): string | undefined {
  const text = textOf(headers, 'link') ?? '';
  for (const [, target = '', parameters = ''] of text.matchAll(
    /<([^<>]*)>((?:\s*;\s*[^;,"]+(?:"(?:[^"\\]|\\.)*")?)*)/g,
  )) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes('next')) return target;
  }
  return undefined;
}
