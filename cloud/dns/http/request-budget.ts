import { ProviderError } from '../../domain/dns-provider.ts'

/** At most `count` requests in any `perMs` milliseconds. */
export interface RateRule {
  readonly count: number
  readonly perMs: number
  /** Which requests count; all of them when left out. */
  readonly on?: 'read' | 'write'
  /** Whether each zone has an allowance of its own. */
  readonly perZone?: boolean
}

/** What one credential may send. */
export interface RequestBudget {
  /**
   * Waits until one more request is permitted, in the order of asking.
   * @throws ProviderError rate-limited or quota, at once, when that would take longer than a moment
   */
  take(intent: 'read' | 'write', zone: string): Promise<void>
  /**
   * Lets no such request through for so long, because the service asked for it; where its limits
   * are told apart by zone, or into reads and writes, only those that the limit is about.
   */
  block(ms: number, intent: 'read' | 'write', zone: string): void
}

/** Gives the budget of a credential: the same one to every provider that shares it. */
export type BudgetKeeper = (credential: string, rules: readonly RateRule[]) => RequestBudget

/** What a budget needs from outside. */
export interface BudgetDependencies {
  readonly now: () => Date
  readonly sleep: (ms: number) => Promise<void>
}

/** A report waits for its answer while requests are spaced out, so each wait is a short one. */
const MAX_WAIT_MS = 3000
const DAY_MS = 86_400_000
/** Whoever has to wait longer has used up a quota, whichever it was. */
const QUOTA_WAIT_MS = 3_600_000

/** Makes budgets that live as long as the process and are shared by credential. */
export function createBudgetKeeper(deps: BudgetDependencies): BudgetKeeper {
  const budgets = new Map<string, RequestBudget>()
  return (credential, rules) => {
    const known = budgets.get(credential)
    if (known !== undefined) return known
    const budget = createRequestBudget(rules, deps)
    budgets.set(credential, budget)
    return budget
  }
}

/**
 * Counts requests in sliding windows, one per rule, and per zone where the rule says so. A request
 * that has to wait holds its place, so those that come later wait longer.
 */
export function createRequestBudget(
  rules: readonly RateRule[],
  { now, sleep }: BudgetDependencies,
): RequestBudget {
  /** When the last requests of each window started, or shall start; oldest first. */
  const windows = new Map<string, number[]>()
  const blockedUntil = new Map<string, number>()

  function windowOf(rule: RateRule, zone: string): number[] {
    const key = `${rules.indexOf(rule)} ${rule.perZone === true ? zone : ''}`
    const known = windows.get(key)
    if (known !== undefined) return known
    const fresh: number[] = []
    windows.set(key, fresh)
    return fresh
  }

  /** What a refusal of such a request is about. */
  function blockOf(intent: 'read' | 'write', zone: string): string {
    const own = rules.filter(({ on }) => on === undefined || on === intent)
    const isApart = own.length > 0 && own.every(({ on }) => on !== undefined)
    const isPerZone = own.some(({ perZone }) => perZone === true)
    return `${isApart ? intent : ''} ${isPerZone ? zone : ''}`
  }

  return {
    async take(intent, zone) {
      const at = now().getTime()
      const applying = rules.filter(({ on }) => on === undefined || on === intent)
      let start = Math.max(at, blockedUntil.get(blockOf(intent, zone)) ?? 0)
      let longest = 0
      for (const rule of applying) {
        const oldest = windowOf(rule, zone).at(-rule.count)
        const free = oldest === undefined ? at : oldest + rule.perMs
        if (free > start) longest = rule.perMs
        start = Math.max(start, free)
      }
      const waitMs = start - at
      if (waitMs > MAX_WAIT_MS) {
        throw exhausted(waitMs, longest >= DAY_MS || waitMs > QUOTA_WAIT_MS)
      }
      for (const rule of applying) {
        const window = windowOf(rule, zone)
        window.push(start)
        if (window.length > rule.count) window.shift()
      }
      if (waitMs > 0) await sleep(waitMs)
    },
    block(ms, intent, zone) {
      const key = blockOf(intent, zone)
      blockedUntil.set(key, Math.max(blockedUntil.get(key) ?? 0, now().getTime() + ms))
    },
  }
}

function exhausted(waitMs: number, isQuota: boolean): ProviderError {
  const seconds = Math.ceil(waitMs / 1000)
  return new ProviderError(
    isQuota ? 'quota' : 'rate-limited',
    `nothing was sent: ${isQuota ? 'the quota of this service is used up' : 'the limit of this service is reached'}, the next request is permitted in ${seconds} s`,
    { retryAfterMs: waitMs },
  )
}
