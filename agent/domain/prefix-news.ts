import { contains, networkOf, type Prefix, parseAddress } from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import type { Intent, UplinkIntent } from './model.ts'
import { uplinksOf } from './uplinks.ts'

/** `prefix 2001:db8::/64dev eth0 valid …`, without a space in some versions, and `7: eth0    inet6 …`. */
const ANNOUNCED = /^prefix (\S+?)\/\d+ ?dev (\S+)/
const ADDRESS = /^\d+: (\S+) +inet6 (\S+?)\//
/** The second line of an address. */
const LIFETIMES = /^\s+valid_lft /
const NO_LONGER_PREFERRED = /\bpreferred(?:_lft)? 0(?:sec)?\b|\bdeprecated\b/

/**
 * Whether a line of `ip monitor` speaks of a prefix that the state does not know as usable, or says that
 * the current one is to be used no more: then a whole pass comes at once, without a glance before it. No
 * more than that depends on it, as the text differs between versions.
 */
export function isPrefixNews(line: string, state: AgentState, intent: Intent): boolean {
  const told = read(line, state, intent)
  if (told === undefined) return false
  return told.isCurrent ? !told.isUsable : told.isUsable && !told.isKnown
}

/**
 * Whether a line says no more than that the one usable prefix of an uplink is announced as before. Where
 * there is one alone, nothing depends on when, and the next look by the clock is soon enough.
 */
export function isRefresh(line: string, state: AgentState, intent: Intent): boolean {
  if (LIFETIMES.test(line)) return true
  const told = read(line, state, intent)
  return told?.isCurrent === true && told.isUsable && told.isAlone
}

/** What a line tells of a prefix on an uplink that is numbered from announcements. */
function read(line: string, state: AgentState, intent: Intent) {
  const [, first = '', second = ''] = ANNOUNCED.exec(line) ?? []
  const [, name = second, address = first] = ADDRESS.exec(line) ?? []
  const uplink = uplinksOf(intent).find((one) => one.uplink === name && one.source === 'slaac')
  const prefix = uplink && prefixOf(address, uplink)
  if (uplink === undefined || prefix === undefined) return undefined
  const { current, prefixes } = numberingOf(state, uplink.uplink)
  const usable = prefixes.filter(({ isEligible }) => isEligible)
  return {
    isCurrent: prefix === current?.prefix,
    isUsable: !NO_LONGER_PREFERRED.test(line),
    isKnown: usable.some((entry) => entry.prefix === prefix),
    isAlone: usable.length === 1,
  }
}

function prefixOf(address: string, { prefixLength, within }: UplinkIntent): Prefix | undefined {
  try {
    const prefix = networkOf(parseAddress(address), prefixLength)
    return within.some((range) => contains(range, prefix)) ? prefix : undefined
  } catch {
    return undefined
  }
}
