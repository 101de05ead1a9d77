/** One RRset that a claim changes against another. */
export interface ClaimChange {
  readonly change: 'add' | 'change' | 'withdraw'
  readonly name: string
  readonly type: 'A' | 'AAAA'
  /** What was claimed; empty for a name that is new. */
  readonly from: readonly string[]
  /** What is claimed; empty for a name that is withdrawn. */
  readonly to: readonly string[]
}

/** An RRset as a report claims it. */
export interface ClaimedSet {
  readonly name: string
  readonly type: 'A' | 'AAAA'
  readonly values: readonly string[]
}

/**
 * Compares two complete claims of a host, RRset by RRset: what the later one leaves out is withdrawn.
 * In the order of the names.
 */
export function diffClaims(
  before: readonly ClaimedSet[],
  after: readonly ClaimedSet[],
): readonly ClaimChange[] {
  const keyOf = ({ name, type }: Pick<ClaimChange, 'name' | 'type'>) => `${name} ${type}`
  const all = new Map([...before, ...after].map((claim) => [keyOf(claim), claim]))
  return [...all].sort(byKey).flatMap(([key, { name, type }]): readonly ClaimChange[] => {
    const from = before.find((claim) => keyOf(claim) === key)
    const to = after.find((claim) => keyOf(claim) === key)
    const values = { name, type, from: from?.values ?? [], to: to?.values ?? [] }
    if (from === undefined) return [{ change: 'add', ...values }]
    if (to === undefined) return [{ change: 'withdraw', ...values }]
    return from.values.join(' ') === to.values.join(' ') ? [] : [{ change: 'change', ...values }]
  })
}

function byKey([a]: readonly [string, ClaimedSet], [b]: readonly [string, ClaimedSet]): number {
  return a < b ? -1 : 1
}
