import { type Fqdn, keyOf, type RRKey } from '../../shared/rrset.ts'
import { type HostPolicy, sharesName } from './host-policy.ts'
import type { HeldSet } from './host-record.ts'

/** What another owner of a name may do and holds. */
export interface Holder {
  readonly policy: HostPolicy
  readonly claim: readonly HeldSet[]
}

/** Who owns the names that a report is about, and what the owners hold. */
export interface Ownership {
  readonly owners: ReadonlyMap<Fqdn, readonly string[]>
  /** The owners other than the reporting host. */
  readonly holders: ReadonlyMap<string, Holder>
}

/**
 * The owners of a name besides `host`, where all of them share it as `policy` does; `undefined` when it
 * belongs to one that does not, or whose values are not known: they would be lost in the union.
 */
export function sharersOf(
  name: Fqdn,
  { host, policy }: { readonly host: string; readonly policy: HostPolicy },
  { owners, holders }: Ownership,
): readonly Holder[] | undefined {
  const others = (owners.get(name) ?? []).filter((owner) => owner !== host)
  const found = others.flatMap((owner) => holders.get(owner) ?? [])
  const areAllThere = found.length === others.length
  const isShared = [{ policy }, ...found].every((each) => sharesName(each.policy, name))
  const areKnown = found.every(({ claim }) =>
    claim.every((held) => held.name !== name || held.values !== undefined),
  )
  return others.length === 0 || (areAllThere && isShared && areKnown) ? found : undefined
}

/** What these hosts hold of one RRset. */
export function valuesHeld(key: RRKey, holders: readonly Holder[]): readonly string[] {
  return holders.flatMap(({ claim }) =>
    claim.flatMap((held) => (keyOf(held) === keyOf(key) ? (held.values ?? []) : [])),
  )
}
