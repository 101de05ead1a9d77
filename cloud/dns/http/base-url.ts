import { quote, ReprefixError } from '../../../shared/errors.ts'

/**
 * Reads the URL of a server that an operator runs, and removes a trailing slash. Refuses what would
 * be lost when paths are put behind it, and credentials, which messages would show.
 * @throws ReprefixError URL_INVALID
 */
export function parseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === undefined || !isWeb || url.search || url.hash || url.username || url.password) {
    const shown = url?.username || url?.password ? 'a URL with a password in it' : quote(text)
    throw new ReprefixError(
      'URL_INVALID',
      `${shown} is not the address of a server: expected a form like https://ns1.example.org:8081`,
    )
  }
  const path = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname
  return url.origin + path
}
