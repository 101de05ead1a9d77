import { encodeBase64url } from '../../../shared/base64.ts'
import type { SigningKey } from '../../../shared/jws.ts'

/** The header of `jws` over the payload of `other`, signed by `key`. */
export async function resign(jws: string, other: string, key: SigningKey): Promise<string> {
  const input = `${jws.split('.')[0]}.${other.split('.')[1]}`
  const bytes = new TextEncoder().encode(input)
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, bytes)
  return `${input}.${encodeBase64url(new Uint8Array(signature))}`
}
