import * as v from 'valibot'
import { encodeBase64 } from '../../../shared/base64.ts'
import { signRs512 } from '../../../shared/rsa-signature.ts'
import { keepToken, signWith, type TokenSigner } from '../http/access-token.ts'
import type { ApiOptions } from '../http/api-client.ts'
import type { RateRule } from '../http/request-budget.ts'
import { connect, type ProviderDependencies } from '../provider-type.ts'

/** Whose token it is, and what proves that. */
export interface TransipAccount {
  readonly login: string
  /** In PEM (PKCS #8). */
  readonly privateKey: string
}

const TOKEN_MINUTES = 30
const KEY_REMEDY = 'privateKey holds no RSA key that can sign; use it as TransIP has shown it'
const granted = v.object({ token: v.pipe(v.string(), v.minLength(1)) })

/**
 * Adds an access token to requests, which is given out for a request that is signed as a whole.
 * https://api.transip.nl/rest/docs.html#header-authentication
 */
export function createTransipSigner(
  { login, privateKey }: TransipAccount,
  options: ApiOptions,
  limits: readonly RateRule[],
  dependencies: ProviderDependencies,
): TokenSigner {
  const { api } = connect(
    {
      ...options,
      // Whoever needed the token asks for it again, with another nonce.
      maxAttempts: 1,
      // There is nothing else that could be wrong with this request.
      statuses: { 400: 'auth', 403: 'auth', 404: 'auth', 406: 'auth' },
      async sign(request, keepSecret) {
        const body = new TextEncoder().encode(request.body)
        const signature = encodeBase64(
          await signWith(KEY_REMEDY, () => signRs512(body, privateKey)),
        )
        keepSecret(signature)
        return { ...request, headers: { ...request.headers, signature } }
      },
    },
    limits,
    dependencies,
  )
  return keepToken(async () => {
    const { token } = await api.read({
      method: 'POST',
      path: '/auth',
      body: {
        login,
        nonce: crypto.randomUUID().replaceAll('-', ''),
        read_only: false,
        expiration_time: `${TOKEN_MINUTES} minutes`,
        // Good for whichever address asks: a function in a cloud has many.
        global_key: true,
      },
      answer: granted,
      what: 'an access token',
    })
    return { token, seconds: TOKEN_MINUTES * 60 }
  }, dependencies.now)
}
