import * as v from 'valibot'
import type { OutgoingRequest } from '../http/api-client.ts'
import { connect, type ProviderDependencies } from '../provider-type.ts'

/** The clock is asked for again after so long, as ours may be set meanwhile. */
const CLOCK_MS = 600_000
const seconds = v.pipe(v.number(), v.integer())

/**
 * Signs requests with the application secret and the consumer key, at the time of the
 * service's own clock: requests that are a few minutes off are refused.
 */
export function createOvhSigner(
  baseUrl: string,
  applicationSecret: string,
  consumerKey: string,
  dependencies: ProviderDependencies,
): (request: OutgoingRequest) => Promise<OutgoingRequest> {
  // No credential goes with this.
  const { api } = connect({ service: 'OVHcloud', baseUrl, secrets: [] }, [], dependencies)
  let clock: { readonly askedAt: number; readonly aheadMs: number } | undefined

  async function timestamp(): Promise<number> {
    const now = dependencies.now().getTime()
    if (clock === undefined || Math.abs(now - clock.askedAt) > CLOCK_MS) {
      const theirs = await api.read({ path: '/auth/time', answer: seconds, what: 'the clock' })
      clock = { askedAt: now, aheadMs: theirs * 1000 - now }
    }
    return Math.floor((now + clock.aheadMs) / 1000)
  }

  return async (request) => {
    const at = String(await timestamp())
    const { method, url, body = '' } = request
    const signed = new TextEncoder().encode(
      [applicationSecret, consumerKey, method, url, body, at].join('+'),
    )
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', signed))
    const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const headers = { 'x-ovh-timestamp': at, 'x-ovh-signature': `$1$${hex}` }
    return { ...request, headers: { ...request.headers, ...headers } }
  }
}
