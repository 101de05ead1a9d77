import {
  type Address,
  contains,
  hostPart,
  networkOf,
  type Prefix,
  parseAddress,
} from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import type { ClaimedSet } from './claim-diff.ts'
import type { RememberedClaim } from './claims.ts'
import type { Intent, UplinkIntent } from './model.ts'
import type { Problem } from './problem.ts'
import { uplinksOf } from './uplinks.ts'

/** What the newest report claimed: the main uplink's prefix then, and all RRsets. */
export interface ReportedClaim {
  readonly current: Prefix
  readonly records: readonly ClaimedSet[]
}

/** The prefixes below which names are claimed, and the uplinks of which nothing can be said. */
export interface ClaimedPrefixes {
  readonly prefixOf: (uplink: string) => Prefix | null
  /** Prefixes of further uplinks, in the order of the settings, each once. */
  readonly others: readonly Prefix[]
  /** Not empty while the whole claim has to be held back: what it left out would be withdrawn. */
  readonly problems: readonly Problem[]
}

/**
 * Finds the prefix of each uplink for the claim: the one it is numbered from, else the one in which the
 * newest report claimed the names that it has now. So a host that lost its state while an uplink is
 * unplugged leaves that uplink's records as they are: unknown is not empty.
 *
 * A host that has not reported yet cannot know what the cloud holds for it, from an earlier enrolment. While
 * names are on an uplink that never had a prefix, its claim is then held back, and a problem says so.
 */
export function findClaimedPrefixes(
  state: Pick<AgentState, 'uplinks'>,
  remembered: readonly RememberedClaim[],
  reported: ReportedClaim | null,
  intent: Intent,
): ClaimedPrefixes {
  const uplinks = uplinksOf(intent)
  const known = uplinks.flatMap(({ uplink }) => {
    const { current, retiring } = numberingOf(state, uplink)
    return [current, ...retiring].flatMap((one) => one?.prefix ?? [])
  })
  const prefixes = new Map(
    uplinks.map((one): [string, Prefix | null] => [
      one.uplink,
      numberingOf(state, one.uplink).current?.prefix ??
        recall(one, remembered, reported, known) ??
        null,
    ]),
  )
  const prefixOf = (uplink: string) => prefixes.get(uplink) ?? null
  const others = intent.others.flatMap(({ uplink }) => prefixOf(uplink) ?? [])
  const unknown = intent.others.filter(
    ({ uplink }) => prefixOf(uplink) === null && remembered.some((one) => one.uplink === uplink),
  )
  return {
    prefixOf,
    others: [...new Set(others)],
    problems: reported === null ? unknown.map(heldBack) : [],
  }
}

/** The prefix in which the newest report claimed a name of this uplink, if it claimed one there. */
function recall(
  { uplink, prefixLength }: UplinkIntent,
  remembered: readonly RememberedClaim[],
  reported: ReportedClaim | null,
  known: readonly Prefix[],
): Prefix | undefined {
  if (reported === null) return undefined
  const taken = [reported.current, ...known]
  const isElsewhere = (address: Address) => taken.some((prefix) => contains(prefix, address))
  return remembered
    .filter((claim) => claim.uplink === uplink)
    .flatMap(({ name, hosts }) =>
      reported.records
        .filter((record) => record.name === name && record.type === 'AAAA')
        .flatMap(({ values }) => values.map(parseAddress))
        .filter((value) => hosts.includes(hostPart(value, prefixLength)) && !isElsewhere(value)),
    )
    .map((value) => networkOf(value, prefixLength))[0]
}

function heldBack({ uplink }: UplinkIntent): Problem {
  return {
    code: 'CLAIM_HELD',
    where: `uplink ${uplink}`,
    what: 'it never had a prefix since this host was enrolled, and names are on it: nothing is reported, because names that a report leaves out are withdrawn',
    remedy: `bring ${uplink} up, or move its networks to another uplink in the settings`,
  }
}
