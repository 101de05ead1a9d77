import { messageOf, ReprefixError } from '../../shared/errors.ts'
import type { AddressState, Delegation } from '../domain/model.ts'
import { targetOf } from '../domain/step.ts'
import type { Request } from './netlink-message.ts'
import type { Netlink, NetlinkSocket } from './netlink-socket.ts'
import {
  type AddressStep,
  type HostStep,
  type HostView,
  type Link,
  type NamespaceView,
  type Network,
  ROUTE_PROTOCOL,
} from './network.ts'
import {
  ADDRESS_FLAGS,
  type AddressRow,
  INFINITY,
  ROUTE_PROTOCOLS,
  ROUTE_TYPES,
  type RouteKind,
  type RouteRow,
  TABLE_MAIN,
} from './rtnetlink.ts'
import { decodeAddresses, decodeLinks, decodeProxies, decodeRoutes } from './rtnetlink-answers.ts'
import {
  deleteAddress,
  deleteRoute,
  getAddresses,
  getLink,
  getLinks,
  getProxies,
  getRoutes,
  setAddress,
  setRoute,
} from './rtnetlink-requests.ts'

/** Under which clients and scripts set a route; `boot` is what `ip route` says. */
const CLIENTS: ReadonlySet<number> = new Set(Object.values(ROUTE_PROTOCOLS))
/** What the kernel says of an address or a route that is not there. */
const ALREADY_GONE: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ESRCH'])

/** A namespace as three dumps show it, with the names of the interfaces. */
interface Dumps {
  readonly links: readonly Link[]
  readonly addresses: readonly AddressRow[]
  readonly routes: readonly RouteRow[]
}

function nameIn(links: readonly Link[], index: number | undefined): string | undefined {
  return links.find((link) => link.index === index)?.name
}

function lasting(seconds: number): number | null {
  return seconds === INFINITY ? null : seconds
}

function stateOf({ address, length, preferred, valid, flags }: AddressRow): AddressState {
  const has = (flag: keyof typeof ADDRESS_FLAGS) => (flags & ADDRESS_FLAGS[flag]) !== 0
  return {
    address,
    length,
    preferredSeconds: lasting(preferred),
    validSeconds: lasting(valid),
    isTemporary: has('temporary'),
    isDeprecated: has('deprecated'),
    isTentative: has('tentative'),
    isDadFailed: has('dadFailed'),
    isDynamic: !has('permanent'),
    // What the kernel makes from an announced prefix it marks so, whether or not it uses it.
    ...(has('managesTemporary') || has('temporary') ? { isLearnt: true } : {}),
  }
}

function viewOf({ links, addresses }: Omit<Dumps, 'routes'>): NamespaceView {
  return {
    links,
    addressesOf: (name) => {
      const index = links.find((link) => link.name === name)?.index
      return addresses.filter((row) => row.index === index).map(stateOf)
    },
  }
}

const isLearnt = ({ length, protocol, table }: RouteKind): boolean =>
  length === 0 && protocol === ROUTE_PROTOCOLS.ra && table === TABLE_MAIN
/** See `parseDelegatedRoutes`. */
const isDelegated = ({ length, protocol, type }: RouteKind): boolean =>
  (type === ROUTE_TYPES.unreachable || type === ROUTE_TYPES.blackhole) &&
  CLIENTS.has(protocol) &&
  length >= 48 &&
  length <= 64
const isOwn = ({ length, protocol, table }: RouteKind): boolean =>
  protocol === ROUTE_PROTOCOL && table === TABLE_MAIN && length < 128

/** How many distinct routers the default routes learnt from advertisements lead to on an interface. */
function countRouters({ links, routes }: Dumps, name: string): number {
  const gateways = routes
    .filter(isLearnt)
    .flatMap(({ hops }) => hops)
    .flatMap(({ index, gateway }) =>
      gateway !== undefined && nameIn(links, index) === name ? [gateway] : [],
    )
  return new Set(gateways).size
}

function delegationsIn(routes: readonly RouteRow[]): readonly Delegation[] {
  const delegations = routes
    .filter((route) => isDelegated(route) && (route.expires === null || route.expires > 0))
    .map(({ destination, expires }): [string, Delegation] => [
      destination,
      { prefix: destination, preferredSeconds: expires, validSeconds: expires },
    ])
  return [...new Map(delegations).values()]
}

function hostViewOf(dumps: Dumps, socket: NetlinkSocket): HostView {
  const { links, routes } = dumps
  return {
    ...viewOf(dumps),
    routersOf: (name) => countRouters(dumps, name),
    delegations: delegationsIn(routes),
    routes: routes.filter(isOwn).flatMap(({ destination, hops }) => {
      const name = nameIn(links, hops[0]?.index)
      return name === undefined ? [] : [{ subnet: destination, interface: name }]
    }),
    neighbours: decodeProxies(socket.read(getProxies())).flatMap((row) => {
      const name = nameIn(links, row.index)
      if (name === undefined) return []
      return [{ interface: name, address: row.address, isOurs: row.protocol === ROUTE_PROTOCOL }]
    }),
  }
}

/** The change that a step asks for, on the interface with this index. */
function requestFor(step: AddressStep | HostStep, index: number): Request {
  switch (step.kind) {
    case 'address-add':
      // No DAD: the suffix is ours alone, and the second that it takes would be an outage.
      return setAddress({
        ...{ index, address: step.address, length: step.length },
        ...{ flags: ADDRESS_FLAGS.noDad, preferred: INFINITY, valid: INFINITY },
      })
    case 'address-deprecate':
    case 'uplink-deprecate': {
      // Without that flag the kernel forgets that it made the address, and drops its temporary ones.
      const isLearnt = step.kind === 'address-deprecate' && step.isLearnt === true
      return setAddress({
        ...{ index, address: step.address, length: step.length },
        flags: isLearnt ? ADDRESS_FLAGS.managesTemporary : 0,
        ...{ preferred: 0, valid: step.validSeconds ?? INFINITY },
      })
    }
    case 'address-remove':
      return deleteAddress(index, step.address, step.length)
    case 'route-add':
    case 'route-move':
      // A route, not an address of the bridge: dockerd with live-restore removes foreign addresses.
      return setRoute(step.subnet, index, ROUTE_PROTOCOL)
    case 'route-remove':
      return deleteRoute(step.subnet, index, ROUTE_PROTOCOL)
  }
}

function indexOf(name: string, socket: NetlinkSocket): number {
  const answer = socket.read(getLink(name))
  const [link] = decodeLinks(answer)
  if (link === undefined) throw new ReprefixError('NETLINK_FAILED', `the kernel hides ${name}`)
  return link.index
}

/** Takes steps in their order; returns why some of them failed, by their index. */
function take(
  steps: readonly (AddressStep | HostStep)[],
  socket: NetlinkSocket,
): ReadonlyMap<number, string> {
  const failures = new Map<number, string>()
  const indexes = new Map<string, number>()
  for (const [at, step] of steps.entries()) {
    try {
      const name = 'subnet' in step ? step.bridge : step.interface
      const index = indexes.get(name) ?? indexOf(name, socket)
      indexes.set(name, index)
      const refusal = socket.change(requestFor(step, index))
      const isGone = refusal !== undefined && ALREADY_GONE.has(refusal.code)
      if (refusal && !(isGone && step.kind.endsWith('-remove'))) failures.set(at, refusal.words)
    } catch (cause) {
      failures.set(at, `${targetOf(step)}: ${messageOf(cause)}`)
    }
  }
  return failures
}

/** Reads and changes addresses and routes by netlink: a container takes a fifth of a millisecond. */
export function createNetlinkNetwork(netlink: Netlink): Network {
  const lookAt = (socket: NetlinkSocket) => ({
    links: decodeLinks(socket.read(getLinks())),
    addresses: decodeAddresses(socket.read(getAddresses())),
  })
  const isWanted = (kind: RouteKind) => isLearnt(kind) || isDelegated(kind) || isOwn(kind)
  return {
    means: 'netlink',
    lookAtHost: async () =>
      netlink.talk('self', (socket) => {
        const routes = decodeRoutes(socket.read(getRoutes()), isWanted)
        return hostViewOf({ ...lookAt(socket), routes }, socket)
      }),
    lookInto: async (pid) => netlink.talk(pid, (socket) => viewOf(lookAt(socket))),
    change: async (pid, steps) => netlink.talk(pid, (socket) => take(steps, socket)),
  }
}
