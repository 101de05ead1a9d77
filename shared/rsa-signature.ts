import { decodeBase64 } from './base64.ts'
import { ReprefixError } from './errors.ts'

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' } as const
const PEM = /^\s*-----BEGIN PRIVATE KEY-----([\w+/=\s]+)-----END PRIVATE KEY-----\s*$/

/** Whether a text has the form of a private key in PEM (RFC 7468 §10); says nothing about the key. */
export function isPrivateKeyPem(text: string): boolean {
  return PEM.test(text)
}

/**
 * The bare RSASSA-PKCS1-v1_5 signature with SHA-512 (RFC 8017 §8.2) over bytes, with a private key in
 * PEM (RFC 7468 §10), for services that know no JWS.
 * @throws ReprefixError KEY_INVALID, without a part of the key in its message
 */
export async function signRs512(bytes: Uint8Array<ArrayBuffer>, pem: string): Promise<Uint8Array> {
  const key = await importKey(pem)
  return new Uint8Array(await crypto.subtle.sign(ALGORITHM, key, bytes))
}

async function importKey(pem: string) {
  try {
    const base64 = PEM.exec(pem)?.[1]?.replace(/\s/g, '') ?? ''
    const der = Uint8Array.from(decodeBase64(base64))
    return await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
  } catch {
    throw new ReprefixError('KEY_INVALID', 'the private key is not an RSA key in PEM (PKCS #8)')
  }
}
