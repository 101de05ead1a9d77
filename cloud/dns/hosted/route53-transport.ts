import type { ApiDependencies } from '../http/api-client.ts'
import { readBoundedText } from '../http/bounded-body.ts'

/** The part of a signed request of the SDK that is used. */
interface SdkRequest {
  readonly method: string
  readonly hostname: string
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const TIMEOUT_MS = 10_000
/** 300 RRsets a page, with as many values as they can have. */
const MAX_BODY_BYTES = 8 * 1024 * 1024
/** What `fetch` says by itself. */
const OWN_HEADERS = ['host', 'content-length']

/**
 * Carries the SDK's requests like those to any other service: bounded in time and size, and without
 * following redirects.
 */
export function createSdkTransport({
  fetch,
  deadline,
}: Pick<ApiDependencies, 'fetch' | 'deadline'>) {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    async handle({ method, hostname, path, query, headers, body }: SdkRequest) {
      const search = renderQuery(query ?? {})
      const url = `https://${hostname}${path}${search === '' ? '' : `?${search}`}`
      const response = await fetch(url, {
        method,
        headers: Object.fromEntries(
          Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase())),
        ),
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal: deadline(TIMEOUT_MS),
      })
      const text = await readBoundedText(response, MAX_BODY_BYTES)
      if (text === undefined) throw new Error(`the answer has more than ${MAX_BODY_BYTES} bytes`)
      // Half of a list would look like the records beyond it are gone; a page of a proxy, like all.
      if (response.ok && text.startsWith('<') && !/<\/\w+Response>\s*$/.test(text)) {
        throw new Error('the answer is cut off')
      }
      return {
        response: {
          statusCode: response.status,
          headers: Object.fromEntries(response.headers),
          body: new TextEncoder().encode(text),
        },
      }
    },
  }
}

/** In the spelling that is signed: SigV4 escapes more than URLs have to. */
function renderQuery(query: NonNullable<SdkRequest['query']>): string {
  return Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => [name, value ?? ''] as const))
    .map(([name, value]) => `${escapeText(name)}=${escapeText(value)}`)
    .join('&')
}

function escapeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
