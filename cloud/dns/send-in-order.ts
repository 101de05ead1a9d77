import { ProviderError } from '../domain/dns-provider.ts'
import type { SendWrite } from './hosted-provider.ts'
import type { ApiRequest } from './http/api-client.ts'

/**
 * Sends the requests that change one RRset, one after the other. When one is refused after others
 * took effect, the fault is `partial`, unless it passes by itself: then that is what counts.
 */
export async function sendInOrder(
  requests: readonly ApiRequest[],
  send: SendWrite,
  between: (answer: unknown) => Promise<void> = async () => undefined,
): Promise<void> {
  let previous: unknown
  for (const [done, request] of requests.entries()) {
    try {
      if (done > 0) await between(previous)
      previous = await send(request)
    } catch (error) {
      if (!(error instanceof ProviderError) || done === 0 || error.isRetryable) throw error
      throw new ProviderError(
        'partial',
        `${done} of ${requests.length} requests for ${request.what} took effect; ${error.message}`,
        { cause: error },
      )
    }
  }
}
