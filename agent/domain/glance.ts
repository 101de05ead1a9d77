import type { Prefix } from '../../shared/ipv6.ts'
import type { AgentState } from './agent-state.ts'
import { ageAddress } from './aging.ts'
import type { Claim } from './claims.ts'
import type { AttachmentState, Observed, PrefixDecision } from './model.ts'
import type { Problem } from './problem.ts'
import type { UplinkPass } from './uplink-pass.ts'

/** What a pass comes to, besides its steps. */
export interface Verdict {
  readonly decision: PrefixDecision
  readonly others: readonly UplinkPass[]
  readonly state: AgentState
  readonly claims: readonly Claim[] | null
  readonly claimedOthers: readonly Prefix[]
  readonly problems: readonly Problem[]
}

/**
 * What was observed, `seconds` later: what the kernel shows now, and all else as it was, with the
 * addresses in containers that much older. `indexes` are those of the bridges now, where they were read.
 */
export function laterObserved(
  before: Observed,
  kernel: Pick<Observed, 'uplinks' | 'routes' | 'neighbours'>,
  indexes: ReadonlyMap<string, number> | undefined,
  seconds: number,
): Observed {
  const age = (attachment: AttachmentState): AttachmentState => ({
    ...attachment,
    addresses: attachment.addresses.map((state) => ageAddress(state, Math.floor(seconds))),
  })
  return {
    ...before,
    ...kernel,
    networks: before.networks.map((network) =>
      indexes ? { ...network, bridgeIndex: indexes.get(network.bridge) ?? null } : network,
    ),
    containers: before.containers.map((container) => ({
      ...container,
      attachments: container.attachments.map(age),
    })),
  }
}

/**
 * Whether the kernel shows the same as before but for lifetimes, so that no more than the uplinks need be
 * decided anew.
 */
export function isSameKernel(before: Observed, after: Observed): boolean {
  const digestOf = ({ uplinks, routes, neighbours, networks }: Observed) =>
    JSON.stringify([
      [routes, neighbours, networks.map(({ bridgeIndex }) => bridgeIndex)],
      uplinks.map(({ addresses, delegations, ...uplink }) => [
        uplink,
        addresses.map(({ preferredSeconds, validSeconds, ...address }) => [
          address,
          preferredSeconds === 0,
          [preferredSeconds, validSeconds].map((seconds) => seconds === null),
        ]),
        delegations?.map(({ prefix }) => prefix),
      ]),
    ])
  return digestOf(before) === digestOf(after)
}

/**
 * Whether two verdicts decide, claim and complain of the same, and remember the same but for instants:
 * what an advertisement changes that only refreshes what is known.
 */
export function isSameButLifetimes(a: Verdict, b: Verdict): boolean {
  return digest(a) === digest(b)
}

/** Both verdicts are made by the same code, so equal values have equal text. */
function digest({ decision, others, state, claims, claimedOthers, problems }: Verdict): string {
  return JSON.stringify([
    [decision, ...others.map((other) => other.decision)],
    Object.entries(state.uplinks).map(([uplink, { prefixes, current, retiring, severalUntil }]) => [
      uplink,
      current,
      severalUntil,
      retiring.map(({ prefix }) => prefix),
      prefixes.map(({ prefix, isEligible }) => [prefix, isEligible]),
    ]),
    [state.claims, claims, claimedOthers, problems],
  ])
}
