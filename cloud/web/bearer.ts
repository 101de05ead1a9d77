import type { MiddlewareHandler } from 'hono'
import { encodeBase64url } from '../../shared/base64.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { equalsInConstantTime } from '../fleet/nonce-issuer.ts'

/** Lets only requests through that carry the token; the comparison takes the same time for all. */
export function requireBearer(token: string): MiddlewareHandler {
  let expected: Promise<string> | undefined
  return async (c, next) => {
    expected ??= digest(token)
    const given = /^Bearer ([!-~]+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    if (!equalsInConstantTime(await digest(given), await expected)) {
      throw new ReprefixError('UNAUTHORIZED', 'the operator token is missing or wrong')
    }
    await next()
  }
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return encodeBase64url(new Uint8Array(hash))
}
