import { ReprefixError } from '../../shared/errors.ts'
import { type FirewallContest, noteSet, waitBeforeRestoring } from '../domain/firewall-contest.ts'
import { CHAIN, UNMIX } from '../domain/firewall-rules.ts'
import type { FirewallState, Instant } from '../domain/model.ts'
import type { Firewall } from '../ports.ts'
import { lastWords, type RunCommand, requireSuccess } from './command.ts'
import type { OtherVariant } from './ip6tables-variant.ts'

type Hook = FirewallState['hook']
const HOOKS: readonly Hook[] = ['DOCKER-USER', 'FORWARD']
const JUMP = `-j ${CHAIN}`

// Other tools hold the xtables lock for moments; waiting beats failing.
const WAIT = ['-w', '5'] as const

/** The firewall as a port, and the one change ever made to it. */
export interface Ip6tables extends Firewall {
  /** Replaces our chain and its jump in one transaction, then reads back that they are there. */
  apply(rules: readonly string[], hook: Hook): Promise<void>
  /** Milliseconds for which looking is pointless: what somebody has undone is not put back before. */
  heldBackMs(): number
}

/** Chains and their rules, as they are printed. */
export interface FilterTable {
  readonly chains: ReadonlySet<string>
  readonly rules: ReadonlyMap<string, readonly string[]>
}

/** Reads `ip6tables -S`; lines of other kinds are passed over. */
export function parseFilterTable(text: string): FilterTable {
  const chains = new Set<string>()
  const rules = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [flag, chain] = line.split(' ', 2)
    if (chain === undefined) continue
    if (flag === '-P' || flag === '-N') chains.add(chain)
    if (flag !== '-A') continue
    const known = rules.get(chain)
    if (known === undefined) rules.set(chain, [line])
    else known.push(line)
  }
  return { chains, rules }
}

function jumpsIn(table: FilterTable, hook: Hook): readonly string[] {
  return (table.rules.get(hook) ?? []).filter((rule) => rule === `-A ${hook} ${JUMP}`)
}

/**
 * Whether our chain is reached from `hook` in time. In FORWARD it must come first, because Docker puts
 * its own drops at the top at each start; DOCKER-USER belongs to the operator, whose order is kept.
 */
function isHooked(table: FilterTable, hook: Hook): boolean {
  if (hook === 'DOCKER-USER') return jumpsIn(table, hook).length > 0
  return table.rules.get('FORWARD')?.[0] === `-A FORWARD ${JUMP}`
}

/** The rule of others that is met before our jump, `null` when none is. */
function rivalIn(table: FilterTable, hook: Hook): string | null {
  if (isHooked(table, hook) || jumpsIn(table, hook).length === 0) return null
  return table.rules.get(hook)?.[0] ?? null
}

function stateOf(table: FilterTable): FirewallState {
  return {
    rules: table.chains.has(CHAIN) ? (table.rules.get(CHAIN) ?? []) : null,
    hookedIn: HOOKS.find((hook) => isHooked(table, hook)) ?? null,
    hook: table.chains.has('DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD',
  }
}

function renderRestore(table: FilterTable, rules: readonly string[], hook: Hook): string {
  const lines = ['*filter', `:${CHAIN} - [0:0]`, ...rules]
  for (const other of HOOKS) {
    const isKept = other === hook && isHooked(table, hook)
    const surplus = jumpsIn(table, other).slice(isKept ? 1 : 0)
    // -D takes the first match: a jump that is kept is re-inserted below in the same transaction.
    if (surplus.length === 0) continue
    lines.push(...jumpsIn(table, other).map(() => `-D ${other} ${JUMP}`))
    if (isKept) lines.push(`-I ${hook} 1 ${JUMP}`)
  }
  if (!isHooked(table, hook)) lines.push(`-I ${hook} 1 ${JUMP}`)
  return `${[...lines, 'COMMIT'].join('\n')}\n`
}

/**
 * Reads and replaces our chain with `ip6tables-restore --noflush`: packets meet either all the old
 * rules or all the new ones, and every other chain keeps its rules. Standard error is never parsed.
 *
 * Never begins beside rules of the other variant: nobody could say what the two let pass together. A
 * chain that is there already is kept right, so that what happens later cannot stop a renumbering.
 */
export function createIp6tables(
  run: RunCommand,
  other?: Pick<OtherVariant, 'findRules'>,
  now: () => Instant = Date.now,
): Ip6tables {
  let contest: FirewallContest | null = null

  async function readTable(): Promise<FilterTable> {
    const result = requireSuccess(
      await run(['ip6tables', ...WAIT, '-S']),
      'failed to read the IPv6 filter table',
    )
    return parseFilterTable(result.stdout)
  }

  async function conflictWith(table: FilterTable): Promise<string | null> {
    if (other === undefined || table.chains.has(CHAIN)) return null
    return other.findRules()
  }

  async function apply(rules: readonly string[], hook: Hook): Promise<void> {
    const table = await readTable()
    const conflict = await conflictWith(table)
    if (conflict !== null) throw new ReprefixError('FIREWALL_MIXED', `${conflict}; ${UNMIX}`)
    const input = renderRestore(table, rules, hook)
    const result = await run(['ip6tables-restore', ...WAIT, '--noflush'], { input })
    if (result.exitCode !== 0) {
      throw new ReprefixError(
        'FIREWALL_REJECTED',
        `ip6tables-restore refused our chain ${CHAIN}, the rules before it are still in force: ${lastWords(result)}`,
      )
    }
    contest = noteSet(contest, { rules, hook, rival: rivalIn(table, hook), at: now() })
    const after = await readTable()
    // Whoever has inserted before our jump since then has undone nothing of this transaction.
    if (stateOf(after).rules?.length !== rules.length || jumpsIn(after, hook).length === 0) {
      throw new ReprefixError(
        'FIREWALL_REJECTED',
        `could not confirm chain ${CHAIN} in ${hook}: another program changed the filter table meanwhile`,
      )
    }
  }

  async function read(): Promise<FirewallState> {
    const table = await readTable()
    const conflict = await conflictWith(table)
    return {
      ...stateOf(table),
      ...(conflict === null ? {} : { conflict }),
      ...(contest === null ? {} : { contest }),
    }
  }

  return { read, apply, heldBackMs: () => waitBeforeRestoring(contest, now()) }
}
