import { sameValues } from '../../shared/rrset.ts'

/** What one authoritative server serves of an RRset; `values` are canonical. */
export type Served =
  | { readonly kind: 'rrset'; readonly values: readonly string[] }
  | { readonly kind: 'absent' }
  /** It did not say: no answer, or one that is no answer. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** The answer of one server. */
export interface ServerAnswer {
  readonly server: string
  readonly served: Served
}

/**
 * What the world sees of an RRset that a provider has accepted. `written`: there is no server that could
 * be asked.
 */
export type ServedState =
  | { readonly kind: 'written' }
  | { readonly kind: 'live' }
  /** The provider serves addresses of its own, which lead to those that are wanted. */
  | { readonly kind: 'proxied' }
  | { readonly kind: 'lagging'; readonly servers: readonly string[] }
  | { readonly kind: 'overwritten'; readonly values: readonly string[] }

/**
 * Judges the answers of all authoritative servers of a zone by the values that are wanted, `null` for
 * none. Servers that differ from others are behind them; servers that all agree on something else have
 * been told something else. One that cannot be asked is taken for lagging: it is not known to be right. Of
 * an RRset that is proxied any addresses will do.
 */
export function judgeServed(
  wanted: readonly string[] | null,
  answers: readonly ServerAnswer[],
  isProxied = false,
): ServedState {
  if (answers.length === 0) return { kind: 'written' }
  const goal = wanted ?? []
  const wrong = answers.filter(({ served }) => !isServed(served, goal))
  if (wrong.length === 0) return { kind: 'live' }
  if (isProxied) {
    const without = wrong.filter(({ served }) => (valuesOf(served) ?? []).length === 0)
    return without.length === 0 ? { kind: 'proxied' } : lagging(without)
  }
  const told = wrong.map(({ served }) => valuesOf(served)).filter((values) => values !== undefined)
  const [first, ...rest] = told
  const isUnanimous =
    first !== undefined &&
    told.length === answers.length &&
    rest.every((values) => sameValues(values, first))
  if (isUnanimous) return { kind: 'overwritten', values: first }
  return lagging(wrong)
}

function lagging(behind: readonly ServerAnswer[]): ServedState {
  return { kind: 'lagging', servers: behind.map(({ server }) => server) }
}

function isServed(served: Served, goal: readonly string[]): boolean {
  const values = valuesOf(served)
  return values !== undefined && sameValues(values, goal)
}

function valuesOf(served: Served): readonly string[] | undefined {
  if (served.kind === 'unknown') return undefined
  return served.kind === 'absent' ? [] : served.values
}
