import * as v from 'valibot'
import { type DnsProvider, ProviderError } from '../../domain/dns-provider.ts'
import type { ApiClient, OutgoingRequest } from '../http/api-client.ts'

/** What proves who asks, beside the id of a session. */
export interface NetcupAccount {
  readonly customer: string
  readonly apiKey: string
  readonly password: string
}

/** One session at a time, opened with the first request and closed after the last one. */
export interface NetcupSession {
  /** Adds the session to a request; logs in when there is none. @throws ProviderError */
  sign(request: OutgoingRequest, keepSecret: (secret: string) => void): Promise<OutgoingRequest>
  /** Forgets a session that the service does not know any more; says whether there was one. */
  forget(): boolean
  /** The same provider, which logs out when it has nothing more to do. */
  around(provider: DnsProvider): DnsProvider
}

/** Where everything is asked. */
export const ENDPOINT = '/endpoint.php?JSON'
const loggedIn = v.object({
  responsedata: v.object({ apisessionid: v.pipe(v.string(), v.minLength(1)) }),
})

/** `api` is a client that adds nothing to requests and sends each only once. */
export function createNetcupSession(
  { customer, apiKey, password }: NetcupAccount,
  api: ApiClient,
): NetcupSession {
  const account = { customernumber: customer, apikey: apiKey }
  let opened: Promise<string> | undefined
  let users = 0

  async function logIn(): Promise<string> {
    const { responsedata } = await api.read({
      method: 'POST',
      path: ENDPOINT,
      body: { action: 'login', param: { ...account, apipassword: password } },
      answer: loggedIn,
      what: 'a session',
    })
    return responsedata.apisessionid
  }

  async function id(): Promise<string> {
    opened ??= logIn()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  }

  /** A session that cannot be closed ends by itself; nothing that was asked for depends on it. */
  async function logOut(): Promise<void> {
    const closing = opened
    opened = undefined
    if (closing === undefined) return
    try {
      await api.read({
        method: 'POST',
        path: ENDPOINT,
        body: { action: 'logout', param: { ...account, apisessionid: await closing } },
        answer: v.unknown(),
        what: 'the end of a session',
      })
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
    }
  }

  async function use<T>(act: () => Promise<T>): Promise<T> {
    users += 1
    try {
      return await act()
    } finally {
      users -= 1
      if (users === 0) await logOut()
    }
  }

  return {
    async sign(request, keepSecret) {
      const session = await id()
      keepSecret(session)
      const body: unknown = JSON.parse(request.body ?? '{}')
      const { param, ...rest } = Object(body)
      const own = { ...param, ...account, apisessionid: session }
      return { ...request, body: JSON.stringify({ ...rest, param: own }) }
    },
    forget() {
      const wasOpen = opened !== undefined
      opened = undefined
      return wasOpen
    },
    around: (provider) => ({
      ...provider,
      findZone: (name) => use(() => provider.findZone(name)),
      read: (zone, keys) => use(() => provider.read(zone, keys)),
      apply: (zone, changes) => use(() => provider.apply(zone, changes)),
    }),
  }
}
