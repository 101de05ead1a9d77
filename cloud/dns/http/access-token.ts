import * as v from 'valibot'
import { isReprefixError } from '../../../shared/errors.ts'
import { ProviderError } from '../../domain/dns-provider.ts'
import type { ApiDependencies, ApiOptions } from './api-client.ts'
import { createApiClient } from './api-client.ts'
import { complaintIn } from './api-fault.ts'
import type { BudgetKeeper } from './request-budget.ts'

/** Where a credential is exchanged for a token that is good for an hour or so (RFC 6749 §4.4). */
export interface TokenOptions extends Pick<ApiOptions, 'service' | 'secrets' | 'remedies'> {
  /** Without its path. */
  readonly baseUrl: string
  readonly path: string
  /** The fields of the form; whatever proves who asks goes to `keepSecret`. */
  fields(keepSecret: (secret: string) => void): Promise<Readonly<Record<string, string>>>
}

/** Adds an access token to requests. */
export interface TokenSigner {
  /** Fetches a token where none is held. @throws ProviderError */
  readonly sign: NonNullable<ApiOptions['sign']>
  /** Drops a token that the service does not take any more, so that the next request has another. */
  forget(): void
}

/** So long before its end a token is not used any more: clocks differ, and requests take time. */
const MARGIN_MS = 60_000

const failure = v.object({
  error: v.string(),
  error_description: v.optional(v.string(), ''),
})
const answer = v.object({
  access_token: v.pipe(v.string(), v.minLength(1)),
  // Some write the number as text.
  expires_in: v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.finite()),
})

/** A token as it was given out. */
interface GrantedToken {
  readonly token: string
  /** How long it is good for. */
  readonly seconds: number
}

interface HeldToken {
  readonly token: Promise<string>
  /** In ms since 1970; as long as it is being fetched, for ever. */
  until: number
}

/** The token of RFC 6749, which is asked for with a form. */
export function createTokenSigner(
  { fields, path, service, ...options }: TokenOptions,
  dependencies: ApiDependencies & { readonly budgets: BudgetKeeper },
): TokenSigner {
  const credential = [service, options.baseUrl, ...options.secrets].join('\n')
  const client = createApiClient(
    {
      ...options,
      service,
      // Whoever asked for the token reads again.
      maxAttempts: 1,
      complaint: complaintIn(failure, ({ error: code, error_description: message }) => ({
        code,
        ...(message === '' ? {} : { message }),
      })),
      // A credential that is not accepted is reported as a bad request (RFC 6749 §5.2).
      statuses: { 400: 'auth', 403: 'auth' },
      kinds: { temporarily_unavailable: 'transient' },
      async sign(request, keepSecret) {
        const form = new URLSearchParams(await fields(keepSecret))
        return {
          ...request,
          headers: { ...request.headers, 'content-type': 'application/x-www-form-urlencoded' },
          body: form.toString(),
        }
      },
    },
    dependencies.budgets(credential, []),
    dependencies,
  )
  return keepToken(async () => {
    const { access_token: token, expires_in: seconds } = await client.read({
      method: 'POST',
      path,
      answer,
      what: 'an access token',
    })
    return { token, seconds }
  }, dependencies.now)
}

/**
 * A token is fetched when it is first needed, kept until shortly before it ends, fetched once for all
 * that wait for it, and hidden like the credential itself.
 */
export function keepToken(ask: () => Promise<GrantedToken>, now: () => Date): TokenSigner {
  let held: HeldToken | undefined

  function current(): Promise<string> {
    const askedAt = now().getTime()
    if (held !== undefined && askedAt < held.until) return held.token
    const fresh: HeldToken = { until: Number.POSITIVE_INFINITY, token: settle() }
    async function settle(): Promise<string> {
      try {
        const { token, seconds } = await ask()
        fresh.until = askedAt + seconds * 1000 - MARGIN_MS
        return token
      } catch (error) {
        held = undefined
        throw error
      }
    }
    held = fresh
    return fresh.token
  }

  return {
    async sign(request, keepSecret) {
      const token = await current()
      keepSecret(token)
      return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }
    },
    forget() {
      held = undefined
    },
  }
}

/**
 * Proves with a private key of the settings who asks.
 * @throws ProviderError auth when the key cannot sign; `remedy` says how to come by one that can
 */
export async function signWith<T>(remedy: string, sign: () => Promise<T>): Promise<T> {
  try {
    return await sign()
  } catch (error) {
    if (!isReprefixError(error, 'KEY_INVALID')) throw error
    throw new ProviderError('auth', `nothing was sent: ${remedy}`, { cause: error })
  }
}
