import type { AgentState } from '../../../../agent/domain/agent-state.ts'
import type {
  AddressState,
  AttachmentState,
  ContainerState,
  Intent,
  NetworkState,
  Observed,
  UplinkSnapshot,
} from '../../../../agent/domain/model.ts'
import type { Numbering } from '../../../../agent/domain/numbering.ts'
import type { Step } from '../../../../agent/domain/step.ts'
import {
  type Address,
  type Prefix,
  parseAddress,
  parsePrefix,
  parseSuffix,
} from '../../../../shared/ipv6.ts'

export const NOW = Date.UTC(2026, 0, 1)
export const P1 = parsePrefix('2001:db8:1:1::/64')
export const P2 = parsePrefix('2001:db8:2:2::/64')
export const P3 = parsePrefix('2001:db8:3:3::/64')

export const INTENT: Intent = {
  uplink: 'eth0',
  prefixLength: 64,
  within: [parsePrefix('2000::/3')],
  settleMs: 100,
  source: 'slaac',
  others: [],
  networks: { web: parseSuffix('::1:0:0:0/80') },
  networkUplinks: {},
  endpoints: [],
  proxy: 'ndppd',
  firewall: { backend: 'ip6tables', default: 'drop' },
}

/** An address as the kernel shows one that was added without lifetimes. */
export function address(text: string, more: Partial<AddressState> = {}): AddressState {
  return {
    address: parseAddress(text),
    length: 80,
    preferredSeconds: null,
    validSeconds: null,
    isTemporary: false,
    isDeprecated: false,
    isTentative: false,
    isDadFailed: false,
    isDynamic: false,
    ...more,
  }
}

export function deprecatedAddress(text: string, validSeconds: number | null): AddressState {
  return address(text, { preferredSeconds: 0, isDeprecated: true, validSeconds })
}

export function network(name: string, more: Partial<NetworkState> = {}): NetworkState {
  return {
    id: `id-${name}`,
    name,
    driver: 'bridge',
    bridge: `br-${name}`,
    bridgeIndex: 7,
    isInternal: false,
    subnets: [parsePrefix('fd00:db8:0:1::/80')],
    labels: {},
    ...more,
  }
}

export function attachment(
  networkName: string,
  dockerAddress: string | null,
  more: Partial<AttachmentState> = {},
): AttachmentState {
  return {
    networkId: `id-${networkName}`,
    interface: 'eth0',
    dockerAddress: dockerAddress === null ? null : parseAddress(dockerAddress),
    addresses: dockerAddress === null ? [] : [address(dockerAddress)],
    ...more,
  }
}

let lastPid = 1000

export function container(
  name: string,
  attachments: readonly AttachmentState[],
  labels: Readonly<Record<string, string>> = {},
): ContainerState {
  lastPid += 1
  return { id: `id-${name}`, name, pid: lastPid, labels, attachments }
}

/** An uplink with one router. */
export function uplink(
  addresses: readonly AddressState[],
  more: Partial<UplinkSnapshot> = {},
): UplinkSnapshot {
  return { interface: 'eth0', isPresent: true, routers: 1, addresses, ...more }
}

export function observed(more: Partial<Observed> = {}): Observed {
  return {
    uplinks: [uplink([])],
    networks: [network('web')],
    containers: [],
    routes: [],
    proxy: { configText: '', isRunning: false, boundIndexes: {} },
    firewall: { rules: null, hookedIn: null, hook: 'FORWARD' },
    ...more,
  }
}

type Former = readonly [Prefix, 'flash' | 'planned', number]

/** A state numbered from one prefix, with former ones given as `[prefix, cause, secondsLeft]`. */
export function stateAt(current: Prefix | null, former: readonly Former[] = []): AgentState {
  return { v: 2, uplinks: { eth0: numberingAt(current, former) }, claims: [] }
}

/** The numbering of one uplink, given in the same way. */
export function numberingAt(current: Prefix | null, former: readonly Former[] = []): Numbering {
  return {
    prefixes: [],
    current: current === null ? null : { prefix: current, cause: 'initial', since: NOW - 1000 },
    retiring: former.map(([prefix, cause, secondsLeft]) => ({
      prefix,
      cause,
      since: NOW - 1000,
      validUntil: NOW + secondsLeft * 1000,
    })),
  }
}

/** What the kernel, ndppd and ip6tables make of a step. */
export function applyStep(host: Observed, step: Step): Observed {
  switch (step.kind) {
    case 'firewall-set':
      return { ...host, firewall: { rules: step.rules, hookedIn: step.hook, hook: step.hook } }
    case 'proxy-set': {
      if (!step.restarts) {
        const before = host.proxy?.boundIndexes ?? {}
        const kept = Object.entries(before).filter(([bridge]) => step.bridges.includes(bridge))
        const boundIndexes = Object.fromEntries(kept)
        const isRunning = host.proxy?.isRunning ?? false
        return { ...host, proxy: { configText: step.configText, isRunning, boundIndexes } }
      }
      const indexes = host.networks
        .filter(({ bridge }) => step.bridges.includes(bridge))
        .map(({ bridge, bridgeIndex }) => [bridge, bridgeIndex] as const)
      const boundIndexes = Object.fromEntries(indexes) as Record<string, number>
      return { ...host, proxy: { configText: step.configText, isRunning: true, boundIndexes } }
    }
    case 'route-add':
    case 'route-move':
      return {
        ...host,
        routes: [...without(host, step.subnet), { subnet: step.subnet, interface: step.bridge }],
      }
    case 'neighbour-enable':
      return {
        ...host,
        neighbours: {
          entries: host.neighbours?.entries ?? [],
          settings: (host.neighbours?.settings ?? []).map((one) =>
            one.interface === step.interface ? { ...one, isReady: true } : one,
          ),
        },
      }
    case 'neighbour-add':
    case 'neighbour-remove': {
      const { interface: name, address: target } = step
      const others = (host.neighbours?.entries ?? []).filter(
        (entry) => entry.interface !== name || entry.address !== target,
      )
      const added = { interface: name, address: target, isOurs: true }
      const entries = step.kind === 'neighbour-add' ? [...others, added] : others
      return { ...host, neighbours: { entries, settings: host.neighbours?.settings ?? [] } }
    }
    case 'route-remove':
      return {
        ...host,
        routes: host.routes.filter(
          (route) => route.subnet !== step.subnet || route.interface !== step.bridge,
        ),
      }
    case 'uplink-deprecate':
      return {
        ...host,
        uplinks: host.uplinks.map((one) =>
          one.interface === step.interface
            ? {
                ...one,
                addresses: one.addresses.map((state) =>
                  state.address === step.address
                    ? {
                        ...state,
                        preferredSeconds: 0,
                        isDeprecated: true,
                        validSeconds: step.validSeconds,
                      }
                    : state,
                ),
              }
            : one,
        ),
      }
    default:
      return {
        ...host,
        containers: host.containers.map((one) =>
          one.pid === step.pid ? changeContainer(one, step) : one,
        ),
      }
  }
}

export function applySteps(host: Observed, steps: readonly Step[]): Observed {
  return steps.reduce(applyStep, host)
}

type AddressStep = Extract<Step, { pid: number }>

function changeContainer(one: ContainerState, step: AddressStep): ContainerState {
  return {
    ...one,
    attachments: one.attachments.map((at) =>
      at.interface === step.interface ? { ...at, addresses: changed(at.addresses, step) } : at,
    ),
  }
}

function changed(addresses: readonly AddressState[], step: AddressStep): readonly AddressState[] {
  const present = addresses.find((state) => state.address === step.address)
  // The kernel keeps the length an address was added with, and removes only by that length.
  if (present && present.length !== step.length) throw new Error(`length of ${step.address}`)
  const others = addresses.filter((state) => state !== present)
  if (step.kind === 'address-add')
    return [...others, { ...address(step.address), length: step.length }]
  if (!present) throw new Error(`Cannot assign requested address: ${step.address}`)
  if (step.kind === 'address-remove') return others
  const { validSeconds } = step
  return [...others, { ...present, preferredSeconds: 0, isDeprecated: true, validSeconds }]
}

function without(host: Observed, subnet: string): Observed['routes'] {
  return host.routes.filter((route) => route.subnet !== subnet)
}

/** All addresses of all containers, as `container interface address`. */
export function addressesIn(host: Observed): readonly { key: string; state: AddressState }[] {
  return host.containers.flatMap((one) =>
    one.attachments.flatMap((at) =>
      at.addresses.map((state) => ({ key: `${one.name} ${at.networkId} ${state.address}`, state })),
    ),
  )
}

export function addressOn(host: Observed, name: string, text: string): AddressState | undefined {
  const wanted: Address = parseAddress(text)
  return host.containers
    .find((one) => one.name === name)
    ?.attachments.flatMap(({ addresses }) => addresses)
    .find((state) => state.address === wanted)
}
