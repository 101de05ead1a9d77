import { ProviderError } from '../../domain/dns-provider.ts'

/** One page of a list; without `next` it is the last. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Number, cursor or link of the page that follows, as `read` takes it. */
  readonly next?: string | undefined
}

/** More than any zone of a home needs; a service that never stops must not hold us for ever. */
const MAX_PAGES = 500

/**
 * Reads a list page by page, one request for each page that is asked for.
 * @throws ProviderError protocol when the pages go round in a circle or do not end
 */
export async function* pagesOf<T>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const { items, next } = await read(cursor)
    yield items
    if (next === undefined || next === '') return
    if (seen.has(next)) break
    seen.add(next)
    cursor = next
  }
  throw new ProviderError(
    'protocol',
    `failed to read a list: its pages do not end after ${seen.size} of them`,
  )
}

/** All items of all pages. */
export async function allOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = []
  for await (const page of pages) items.push(...page)
  return items
}

/**
 * One parameter of the link to the next page. Only the parameter is used: following the link would
 * send the credential wherever the answer says.
 */
export function cursorOfLink(link: string | null | undefined, name: string): string | undefined {
  if (link === null || link === undefined || !URL.canParse(link, 'https://relative.invalid')) {
    return undefined
  }
  return new URL(link, 'https://relative.invalid').searchParams.get(name) ?? undefined
}

/** The target of `rel="next"` in a Link header (RFC 8288 §3). */
export function nextLink(headers: Headers): string | undefined {
  for (const part of (headers.get('link') ?? '').split(/,\s*(?=<)/)) {
    const match = /^<([^>]*)>(.*)$/.exec(part.trim())
    if (match !== null && /;\s*rel="?(?:[^"]*\s)?next(?:\s[^"]*)?"?/i.test(match[2] ?? '')) {
      return match[1]
    }
  }
  return undefined
}
