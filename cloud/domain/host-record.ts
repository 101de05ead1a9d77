import type { Prefix } from '../../shared/ipv6.ts'
import type { PublicJwk } from '../../shared/jws.ts'
import type { RRKey } from '../../shared/rrset.ts'
import type { HostPolicy } from './host-policy.ts'

/** The key that speaks for a host, and the last sequence it used. */
export interface HostKey {
  readonly kid: string
  readonly jwk: PublicJwk
  readonly lastSeq: number
  /** Unix milliseconds; see `decideRate`. */
  readonly busyUntilMs?: number
  /** RFC 3339. */
  readonly enrolledAt: string
  /** The key that this one replaced, and the `rotate` entry; for an answer that was lost. */
  readonly predecessor?: { readonly kid: string; readonly jwk: PublicJwk; readonly index: number }
}

/** What a host last reported and had accepted. */
export interface LastReport {
  /** Index of the `report` entry. */
  readonly index: number
  readonly at: string
  readonly prefix: Prefix
  /** RFC 3339; until when the prefix was valid then, where the agent has said so. */
  readonly validUntil?: string
  readonly agent: string
}

/** One RRset that a host claims. Older versions did not keep the values. */
export interface HeldSet extends RRKey {
  readonly values?: readonly string[]
}

/** Everything the cloud keeps of one host. `version` counts its changes, for compare-and-set. */
export interface HostRecord {
  readonly name: string
  readonly version: number
  readonly status: 'invited' | 'active' | 'revoked'
  readonly policy: HostPolicy
  /** RFC 3339. */
  readonly addedAt: string
  /** The one token that may enrol this host: a later invitation makes an earlier one void. */
  readonly invitation?: string
  readonly key?: HostKey
  readonly lastReport?: LastReport
  /** RRsets of the last accepted claim. */
  readonly claim: readonly HeldSet[]
}

/** The key of this thumbprint as far as the host's record has it: its last one, or the one before. */
export function heldKey({ key }: HostRecord, kid: string): Pick<HostKey, 'jwk'> | undefined {
  return [key, key?.predecessor].find((held) => held?.kid === kid)
}
