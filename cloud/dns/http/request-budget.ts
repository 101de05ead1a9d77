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
  /**
   * Asks whether a zone may send its changes now: 0, or in how many milliseconds it should ask again. Its
   * place in the queue is kept until then. While half of what is permitted is left, everyone may. What
   * is left after that is given out ever more slowly, so that no burst leaves all zones without.
   */
  turnMs(zone: string): number
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
/**
 * At the pace of the moment, what is left would last for this part of the period that the rule is about.
 * As the pace falls with what is left, it lasts for all of it.
 */
const SPREAD = 1 / 3
/** Whoever has to wait longer has used up a quota, whichever it was. */
const QUOTA_WAIT_MS = 3_600_000

/** What is kept to one rule, as Unix milliseconds. */
interface Window {
  /** When the last requests started, or shall start; oldest first. */
  readonly starts: number[]
  /** When zones that wait have their turn. */
  readonly turns: Map<string, number>
  /** Whoever asks for a turn next has it then. */
  nextTurn: number
  /** When turns were given. */
  given: readonly number[]
}

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
  const windows = new Map<string, Window>()
  const blockedUntil = new Map<string, number>()

  function windowOf(rule: RateRule, zone: string): Window {
    const key = `${rules.indexOf(rule)} ${rule.perZone === true ? zone : ''}`
    const known = windows.get(key)
    if (known !== undefined) return known
    const fresh: Window = { starts: [], turns: new Map(), nextTurn: 0, given: [] }
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

  /** When it is the zone's turn as far as one rule is concerned, in Unix milliseconds. */
  function turnOf(rule: RateRule, zone: string, at: number): number {
    const { count, perMs } = rule
    const window = windowOf(rule, zone)
    const kept = window.turns.get(zone)
    if (kept !== undefined) return kept
    const sent = within(perMs, window.starts, at)
    const lastBeyond = sent.at(-1 - Math.floor(count / 2))
    if (lastBeyond === undefined) return at
    const freshAt = lastBeyond + perMs
    const possibleAt = (sent.at(-count) ?? at - perMs) + perMs
    const turn = Math.min(Math.max(possibleAt, window.nextTurn), freshAt)
    const perTurn = sent.length / Math.max(1, within(perMs, window.given, at).length)
    const left = Math.max(1, count - sent.length - perTurn * (1 + window.turns.size))
    window.nextTurn = Math.min(turn + (perTurn * SPREAD * perMs) / left, freshAt)
    window.turns.set(zone, turn)
    return turn
  }

  return {
    turnMs(zone) {
      const at = now().getTime()
      // What `take` waits for by itself needs no turns.
      const slow = rules.filter(({ perMs }) => perMs > MAX_WAIT_MS)
      const turn = Math.max(at, ...slow.map((rule) => turnOf(rule, zone, at)))
      if (turn > at) return Math.ceil(turn - at)
      for (const rule of slow) {
        const window = windowOf(rule, zone)
        window.turns.delete(zone)
        window.given = [...within(rule.perMs, window.given, at), at]
      }
      return 0
    },
    async take(intent, zone) {
      const at = now().getTime()
      const applying = rules.filter(({ on }) => on === undefined || on === intent)
      let start = Math.max(at, blockedUntil.get(blockOf(intent, zone)) ?? 0)
      let longest = 0
      for (const rule of applying) {
        const oldest = windowOf(rule, zone).starts.at(-rule.count)
        const free = oldest === undefined ? at : oldest + rule.perMs
        if (free > start) longest = rule.perMs
        start = Math.max(start, free)
      }
      const waitMs = start - at
      if (waitMs > MAX_WAIT_MS) {
        throw exhausted(waitMs, longest >= DAY_MS || waitMs > QUOTA_WAIT_MS)
      }
      for (const rule of applying) {
        const { starts } = windowOf(rule, zone)
        starts.push(start)
        if (starts.length > rule.count) starts.shift()
      }
      if (waitMs > 0) await sleep(waitMs)
    },
    block(ms, intent, zone) {
      const key = blockOf(intent, zone)
      blockedUntil.set(key, Math.max(blockedUntil.get(key) ?? 0, now().getTime() + ms))
    },
  }
}

/** Those of the times that count yet. */
function within(perMs: number, times: readonly number[], at: number): readonly number[] {
  return times.filter((time) => time > at - perMs)
}

function exhausted(waitMs: number, isQuota: boolean): ProviderError {
  const seconds = Math.ceil(waitMs / 1000)
  return new ProviderError(
    isQuota ? 'quota' : 'rate-limited',
    `nothing was sent: ${isQuota ? 'the quota of this service is used up' : 'the limit of this service is reached'}, the next request is permitted in ${seconds} s`,
    { retryAfterMs: waitMs },
  )
}
