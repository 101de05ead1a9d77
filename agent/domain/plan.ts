import { attachmentKey } from './container-placement.ts'
import type { Desired, DesiredAddress } from './desired.ts'
import { planNeighbours } from './desired-neighbours.ts'
import { isOursIn } from './lan-networks.ts'
import type { AddressState, AttachmentState, ContainerState, Observed } from './model.ts'
import { type ContainerAddress, STAGES, type Step } from './step.ts'

/**
 * Lifetimes of addresses in containers are not moved for less than this: each announcement of a former
 * prefix would otherwise touch every container.
 */
const LIFETIME_SLACK_SECONDS = 10

/**
 * The steps from what is observed to what is desired, in the order of `STAGES`: none when they agree.
 * Only addresses that are desired, or lie in a subnet of ours and are not Docker's own, are touched.
 */
export function planSteps(desired: Desired, observed: Observed): readonly Step[] {
  const steps: readonly Step[] = [
    ...planFirewall(desired, observed),
    ...planProxy(desired, observed),
    ...planNeighbours(desired.neighbours, observed),
    ...desired.addresses.flatMap((address) => planAddress(address, observed)),
    ...planRoutes(desired, observed),
    ...planUplink(desired, observed),
    ...planRemovals(desired, observed),
  ]
  return STAGES.flatMap((stage) => steps.filter(({ kind }) => kind === stage))
}

function planFirewall({ firewall }: Desired, observed: Observed): readonly Step[] {
  if (firewall === null) return []
  const { rules, hookedIn } = observed.firewall ?? { rules: null, hookedIn: null }
  const isSame =
    rules !== null &&
    rules.length === firewall.rules.length &&
    rules.every((rule, index) => rule === firewall.rules[index])
  if (isSame && hookedIn === firewall.hook) return []
  return [{ kind: 'firewall-set', ...firewall }]
}

function planProxy({ proxy }: Desired, observed: Observed): readonly Step[] {
  if (proxy === null) return []
  const isWritten = observed.proxy?.configText === proxy.configText
  return isWritten && !proxy.restarts ? [] : [{ kind: 'proxy-set', ...proxy }]
}

function planAddress(desired: DesiredAddress, observed: Observed): readonly Step[] {
  const { isDeprecated, validSeconds, bridge } = desired
  const target = targetOf(desired)
  const state = observed.containers
    .find(({ id }) => id === desired.containerId)
    ?.attachments.find(({ networkId }) => networkId === desired.networkId)
    ?.addresses.find(({ address }) => address === desired.address)
  if (!isDeprecated) {
    const isThere = state && !isDeprecatedNow(state) && isForever(state)
    return isThere ? [] : [{ kind: 'address-add', bridge, ...target }]
  }
  const learnt = desired.isLearnt ? { isLearnt: true } : {}
  const deprecate: Step = { kind: 'address-deprecate', ...target, validSeconds, ...learnt }
  if (state === undefined) return [{ kind: 'address-add', bridge, ...target }, deprecate]
  const isThere = isDeprecatedNow(state) && isLifetimeClose(state.validSeconds, validSeconds)
  return isThere ? [] : [deprecate]
}

function planRoutes(desired: Desired, observed: Observed): readonly Step[] {
  const has = (list: Desired['routes'], subnet: string, bridge: string) =>
    list.some((route) => route.subnet === subnet && route.interface === bridge)
  const added = desired.routes
    .filter((route) => !has(observed.routes, route.subnet, route.interface))
    .map((route): Step => {
      const isElsewhere = observed.routes.some(({ subnet }) => subnet === route.subnet)
      const kind = isElsewhere ? 'route-move' : 'route-add'
      return { kind, subnet: route.subnet, bridge: route.interface }
    })
  const removed = desired.owned
    .filter(({ hasRoute }) => hasRoute)
    .filter(({ subnet, bridge }) => has(observed.routes, subnet, bridge))
    // Where another bridge shall have the subnet, its route moves.
    .filter(({ subnet }) => desired.routes.every((route) => route.subnet !== subnet))
    .map(({ subnet, bridge }): Step => ({ kind: 'route-remove', subnet, bridge }))
  return [...added, ...removed]
}

function planUplink(desired: Desired, observed: Observed): readonly Step[] {
  return desired.uplink
    .filter(({ address, interface: name }) => {
      const uplink = observed.uplinks.find((candidate) => candidate.interface === name)
      const state = uplink?.addresses.find((candidate) => candidate.address === address)
      return state !== undefined && !isDeprecatedNow(state)
    })
    .map((address): Step => ({ kind: 'uplink-deprecate', ...address }))
}

/** Addresses of ours that a former label, prefix or subnet has left on the container's interfaces. */
function planRemovals(desired: Desired, observed: Observed): readonly Step[] {
  const wanted = new Set(
    desired.addresses.map(({ containerId, networkId, address }) =>
      [containerId, networkId, address].join(' '),
    ),
  )
  const isLeftover = (state: AddressState, { id }: ContainerState, at: AttachmentState) =>
    !wanted.has([id, at.networkId, state.address].join(' ')) &&
    desired.owned.some(
      ({ networkId, subnet }) => networkId === at.networkId && isOursIn(subnet, state, at),
    )
  return observed.containers.flatMap((container) =>
    container.attachments.flatMap((at) => {
      const { interface: name } = at
      if (name === null || desired.refused.has(attachmentKey(container, at.networkId))) return []
      return at.addresses
        .filter((state) => isLeftover(state, container, at))
        .map(
          ({ address, length }): Step => ({
            kind: 'address-remove',
            container: container.name,
            pid: container.pid,
            interface: name,
            address,
            length,
          }),
        )
    }),
  )
}

function targetOf(desired: DesiredAddress): ContainerAddress {
  const { container, pid, interface: name, address, length } = desired
  return { container, pid, interface: name, address, length }
}

function isDeprecatedNow({ isDeprecated, preferredSeconds }: AddressState): boolean {
  return isDeprecated || preferredSeconds === 0
}

function isForever({ preferredSeconds, validSeconds }: AddressState): boolean {
  return preferredSeconds === null && validSeconds === null
}

/** Not longer than desired, and not so much shorter that it would go far too early. */
function isLifetimeClose(observed: number | null, desired: number | null): boolean {
  if (observed === null || desired === null) return observed === desired
  const excess = observed - desired
  return (
    excess <= LIFETIME_SLACK_SECONDS && -excess <= Math.max(LIFETIME_SLACK_SECONDS, desired / 2)
  )
}
