import { encodeBase64url } from '../../shared/base64.ts'
import type { NonceIssuer } from '../ports.ts'

const LIFETIME_SECONDS = 120
const FORM = /^(\d{1,12})\.([\w-]{43})$/
const INFO = 'reprefix nonce key v1'

/**
 * Nonces that need no memory: the time and an HMAC over it and the key's thumbprint, with a key
 * derived from `secret`. Good for two minutes and for that one agent key; a report that carries one
 * is still protected from replay by its sequence.
 */
export function createNonceIssuer(secret: Uint8Array): NonceIssuer {
  // Only clocks that are wrong make it needed. No promise is kept: on Workers one request must not wait
  // for another.
  let macKey: MacKey | undefined

  async function render(seconds: number, kid: string): Promise<string> {
    macKey ??= await deriveMacKey(secret)
    const message = new TextEncoder().encode(`${seconds}.${kid}`)
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', macKey, message))
    return `${seconds}.${encodeBase64url(mac)}`
  }
  return {
    issue: (kid, nowMs) => render(Math.floor(nowMs / 1000), kid),
    async isFresh(nonce, kid, nowMs) {
      const seconds = Number(FORM.exec(nonce)?.[1])
      const age = nowMs / 1000 - seconds
      if (!(age >= 0 && age <= LIFETIME_SECONDS)) return false
      return equalsInConstantTime(nonce, await render(seconds, kid))
    },
  }
}

type MacKey = Awaited<ReturnType<typeof deriveMacKey>>

async function deriveMacKey(secret: Uint8Array) {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode(INFO)
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    base,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
}

/** Compares without telling by its duration where the texts differ. */
export function equalsInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
