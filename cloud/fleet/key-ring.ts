import { importVerificationKey } from '../../shared/jws.ts'
import { createNewest } from '../../shared/newest.ts'
import type { EnrolledKey, KeyRing } from '../ports.ts'

/** More hosts than one cloud is made for; a key takes about a kilobyte. */
const MAX_KEYS = 1000

/**
 * Keeps the keys of hosts that were used last: a key and the host that it was enrolled for are the same
 * for ever, so nothing here grows stale. Whether it may still speak for that host is not known here.
 */
export function createKeyRing(limit = MAX_KEYS): KeyRing {
  const kept = createNewest<string, EnrolledKey>(limit)

  return {
    known: (kid) => kept.get(kid),
    async learn(host, jwk) {
      const enrolled = { ...(await importVerificationKey(jwk)), host }
      return kept.keep(enrolled.kid, enrolled)
    },
  }
}
