import { decodeBase64, encodeBase64url } from './base64.ts'
import { ReprefixError } from './errors.ts'

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const
const PEM = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/

/**
 * Signs claims with an RSA key in PEM, for services that give out tokens for them (RFC 7523 §3).
 * By Web Crypto alone: one algorithm and one header are no task for a library, which would be in what
 * every runtime loads.
 * @throws ReprefixError KEY_INVALID, without a part of the key in its message
 */
export async function signJwtGrant(
  claims: Readonly<Record<string, unknown>>,
  pem: string,
): Promise<string> {
  const key = await importRsaKey(pem)
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims].map(encodePart).join('.')
  const signature = await crypto.subtle.sign(RS256, key, new TextEncoder().encode(signed))
  return `${signed}.${encodeBase64url(new Uint8Array(signature))}`
}

async function importRsaKey(pem: string) {
  try {
    const der = decodeBase64((PEM.exec(pem)?.[1] ?? '').replace(/\s/g, ''))
    return await crypto.subtle.importKey('pkcs8', der, RS256, false, ['sign'])
  } catch {
    throw new ReprefixError('KEY_INVALID', 'the private key is not an RSA key in PEM (PKCS #8)')
  }
}

function encodePart(part: unknown): string {
  return encodeBase64url(new TextEncoder().encode(JSON.stringify(part)))
}
