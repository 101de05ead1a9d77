import type { RRset } from '../../shared/rrset.ts'
import { canonicalValues, sameValues } from '../../shared/rrset.ts'
import type { Change } from './dns-provider.ts'

/** How one RRset has to be changed; `before` and `after` are not both absent. */
export interface Edit {
  readonly kind: 'created' | 'updated' | 'deleted'
  readonly before: RRset | null
  readonly after: RRset | null
  /** Values that are wanted and not there. */
  readonly adds: readonly string[]
  /** Values that are there and not wanted. */
  readonly removes: readonly string[]
  /** True when values that stay need another TTL. */
  readonly isRetimed: boolean
}

/** What a change means for the RRset that was found. */
export type Diff =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'conflict'; readonly expected: readonly string[] | null }
  | { readonly kind: 'edit'; readonly edit: Edit }

/**
 * Compares what shall be with what was found. An RRset that already is as wanted is `unchanged`
 * even when it is not what the change expected: then an earlier attempt took effect and only its
 * answer was lost. A set without values is an absent one.
 */
export function diffChange(
  change: Change,
  found: RRset | null,
  normalise: (set: RRset) => RRset,
): Diff {
  const after =
    change.set === null || change.set.values.length === 0 ? null : wanted(change.set, normalise)
  if (isSame(found, after)) return { kind: 'unchanged' }
  if (change.expect !== undefined && !isExpected(change, found)) {
    return { kind: 'conflict', expected: change.expect }
  }
  const [old, fresh] = [found?.values ?? [], after?.values ?? []]
  return {
    kind: 'edit',
    edit: {
      kind: found === null ? 'created' : after === null ? 'deleted' : 'updated',
      before: found,
      after,
      adds: fresh.filter((value) => !old.includes(value)),
      removes: old.filter((value) => !fresh.includes(value)),
      isRetimed: found !== null && after !== null && found.ttl !== after.ttl,
    },
  }
}

function wanted(set: RRset, normalise: (set: RRset) => RRset): RRset {
  return normalise({ ...set, values: canonicalValues(set.type, set.values) })
}

function isSame(a: RRset | null, b: RRset | null): boolean {
  if (a === null || b === null) return a === b
  return a.ttl === b.ttl && sameValues(a.values, b.values)
}

/** TTLs are not compared: the expectation is about who owns the values. */
function isExpected({ type, expect }: Change, found: RRset | null): boolean {
  return sameValues(canonicalValues(type, expect ?? []), found?.values ?? [])
}
