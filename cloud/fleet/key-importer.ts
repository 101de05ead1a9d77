import { importVerificationKey, type VerificationKey } from '../../shared/jws.ts'
import type { KeyImporter } from '../ports.ts'

/** More hosts than one cloud is made for; a key takes about a kilobyte. */
const MAX_KEYS = 1000

/**
 * Imports public keys and keeps those used last: importing takes half as long as verifying. A key is
 * what its JWK says for ever, so nothing here grows stale. Whether it may speak for a host is not
 * known here and must be asked of the store each time.
 */
export function createKeyImporter(limit = MAX_KEYS): KeyImporter {
  const kept = new Map<string, VerificationKey>()
  return async (jwk) => {
    // The whole text, so that a JWK with one member more is not taken for the one without.
    const text = JSON.stringify(jwk)
    const key = kept.get(text) ?? (await importVerificationKey(jwk))
    kept.delete(text)
    kept.set(text, key)
    const [oldest] = kept.keys()
    if (kept.size > limit && oldest !== undefined) kept.delete(oldest)
    return key
  }
}
