import * as v from 'valibot'
import { ProviderError } from '../../domain/dns-provider.ts'
import type { ApiClient, ApiOptions } from '../http/api-client.ts'
import type { ProviderDependencies } from '../provider-type.ts'
import { renderTotp, TOTP_STEP_MS } from '../totp.ts'

/** A login at INWX, kept for a while and shared by all requests. */
export interface InwxSession {
  /** The cookie of the session; logs in when there is none. @throws ProviderError */
  cookie(): Promise<string>
  /** The service does not know the session. True when it was an old one, so that a new one helps. */
  forget(): boolean
}

/** Who logs in; `totp` is the secret of the second factor. */
export interface InwxAccount {
  readonly username: string
  readonly password: string
  readonly totp: Uint8Array<ArrayBuffer> | undefined
}

/** INWX ends a session that is not used; logging in too often is answered with a lock. */
const MAX_AGE_MS = 15 * 60_000
const FRESH_MS = 10_000
const PATH = '/jsonrpc/'

const loggedIn = v.object({
  // '0' without a second factor.
  resData: v.object({ tfa: v.optional(v.union([v.string(), v.number()]), '0') }),
})

/** A session that is opened when it is needed first. `connectWith` makes a client with a signature. */
export function createInwxSession(
  { username, password, totp }: InwxAccount,
  connectWith: (sign: NonNullable<ApiOptions['sign']>) => ApiClient,
  { now }: Pick<ProviderDependencies, 'now'>,
): InwxSession {
  let opened: { readonly cookie: Promise<string>; readonly at: number } | undefined
  /** INWX takes each password once. */
  let lastStep = -1

  async function open(): Promise<string> {
    let cookie = ''
    const api = connectWith((request, keepSecret) => {
      if (cookie === '') return request
      keepSecret(cookie)
      return { ...request, headers: { ...request.headers, cookie } }
    })
    const what = `session of ${username}`
    const { value, headers } = await api.readWithHeaders({
      ...{ method: 'POST', path: PATH, what },
      body: { method: 'account.login', params: { user: username, pass: password } },
      answer: loggedIn,
    })
    cookie = headers
      .getSetCookie()
      .map((one) => one.split(';')[0] ?? '')
      .join('; ')
    if (cookie === '') throw new ProviderError('protocol', `failed to open a ${what}: no cookie`)
    if (String(value.resData.tfa) === '0') return cookie
    await api.read({
      ...{ method: 'POST', path: PATH, what },
      body: { method: 'account.unlock', params: { tan: await nextPassword() } },
      answer: v.object({}),
    })
    return cookie
  }

  async function nextPassword(): Promise<string> {
    if (totp === undefined) {
      throw new ProviderError(
        'auth',
        `failed to open a session of ${username}: INWX asks for a second factor; give its secret in cloud.yaml, or use an account without one`,
      )
    }
    const at = now()
    const step = Math.floor(at.getTime() / TOTP_STEP_MS)
    if (step === lastStep) {
      const retryAfterMs = TOTP_STEP_MS - (at.getTime() % TOTP_STEP_MS)
      throw new ProviderError(
        'rate-limited',
        'nothing was sent: INWX takes a second factor once, and the next one is not there yet',
        { retryAfterMs },
      )
    }
    lastStep = step
    return await renderTotp(totp, at)
  }

  return {
    async cookie() {
      const time = now().getTime()
      if (opened === undefined || time - opened.at > MAX_AGE_MS) {
        opened = { cookie: open(), at: time }
      }
      const { cookie } = opened
      try {
        return await cookie
      } catch (error) {
        opened = undefined
        throw error
      }
    },
    forget() {
      const isOld = opened !== undefined && now().getTime() - opened.at > FRESH_MS
      opened = undefined
      return isOld
    },
  }
}
