import type { Address } from '../../shared/ipv6.ts'
import { ageAddress } from '../domain/aging.ts'
import type { AttachmentState } from '../domain/model.ts'
import type { AddressStep, Link, NamespaceView, Network } from './network.ts'
import { type KnownState, parseKnownAddresses } from './proc-net.ts'
import type { ProcessTable } from './processes.ts'

/** What is known of an interface from outside the container. */
export interface Endpoint {
  /** In lower case; empty where it is not known, as with ipvlan, which has that of its parent. */
  readonly mac: string
  readonly dockerAddress: Address | null
}

/** The interface of an endpoint as found inside, with its addresses. */
export type InterfaceState = Pick<AttachmentState, 'interface' | 'addresses'>

/** An endpoint whose interface could not be found. */
export const NOT_FOUND: InterfaceState = { interface: null, addresses: [] }

/** Looks into the network namespaces of containers. */
export interface ContainerInterfaces {
  /**
   * The interfaces of the endpoints, in their order; `null` when the process is gone, or shares the
   * agent's own namespace.
   */
  read(pid: number, endpoints: readonly Endpoint[]): Promise<readonly InterfaceState[] | null>
  /** To be called after a step changed an address inside, or may have. */
  changed(step: AddressStep, isDone: boolean): void
  /** To be called when the process is of no interest any more. */
  forget(pid: number): void
}

interface ThoroughRead {
  /** /proc/PID/net/if_inet6 when it was made. */
  readonly seen: string
  readonly at: number
  readonly view: NamespaceView
}

/** When the kernel takes a deprecated address away, `null` is never, and when that was learnt. */
interface Lifetime {
  readonly validUntil: number | null
  readonly isLearnt: boolean
  readonly at: number
}

/** How long lifetimes are counted down instead of read; changes of anything else are seen at once. */
const COUNTED_DOWN_MS = 900_000

/** `null` unless /proc and the known lifetimes tell all, with Docker's own addresses among them. */
function readKnown(
  text: string,
  endpoints: readonly Endpoint[],
  knownOf: (address: Address) => KnownState | undefined,
): InterfaceState[] | null {
  const all = parseKnownAddresses(text, knownOf)
  const found: InterfaceState[] = []
  for (const { dockerAddress } of endpoints) {
    const own = all?.find(({ state }) => state.address === dockerAddress)
    if (!all || !own) return null
    const addresses = all.filter((other) => other.interface === own.interface)
    found.push({ interface: own.interface, addresses: addresses.map(({ state }) => state) })
  }
  return found
}

/** By its MAC address where no other has that one, else by the address that Docker gave it. */
function findLink(
  { mac, dockerAddress }: Endpoint,
  { links, addressesOf }: NamespaceView,
): Link | undefined {
  const alike = links.filter((link) => mac !== '' && link.mac === mac)
  if (alike.length === 1) return alike[0]
  return links.find(({ name }) =>
    addressesOf(name).some(({ address }) => address === dockerAddress),
  )
}

/**
 * Reads addresses from /proc where it tells all of them, and else by entering the namespace, which
 * also tells lifetimes and MAC addresses but may cost a process for each container. Such a reading is
 * used again while /proc shows the same addresses with the same flags. The lifetimes of deprecated
 * addresses, read so or given by ourselves, are counted down, and read anew every quarter of an hour.
 */
export function createContainerInterfaces(
  network: Pick<Network, 'lookInto'>,
  processes: ProcessTable,
  now: () => number = () => performance.now(),
): ContainerInterfaces {
  const readings = new Map<number, ThoroughRead>()
  const lifetimes = new Map<number, Map<Address, Lifetime>>()

  function knownOf(pid: number, address: Address): KnownState | undefined {
    const known = lifetimes.get(pid)?.get(address)
    if (known === undefined || now() - known.at > COUNTED_DOWN_MS) return undefined
    const { validUntil, isLearnt } = known
    const left = validUntil === null ? null : Math.max(0, Math.floor((validUntil - now()) / 1000))
    return isLearnt ? { validSeconds: left, isLearnt } : { validSeconds: left }
  }

  function learn(pid: number, address: Address, state: KnownState, at: number): void {
    const { validSeconds, isLearnt = false } = state
    const validUntil = validSeconds === null ? null : at + validSeconds * 1000
    const known = lifetimes.get(pid) ?? new Map<Address, Lifetime>()
    lifetimes.set(pid, known.set(address, { validUntil, isLearnt, at }))
  }

  function changed(step: AddressStep, isDone: boolean): void {
    readings.delete(step.pid)
    lifetimes.get(step.pid)?.delete(step.address)
    if (step.kind !== 'address-deprecate' || !isDone) return
    learn(step.pid, step.address, step, now())
  }

  function forget(pid: number): void {
    readings.delete(pid)
    lifetimes.delete(pid)
  }

  async function readThoroughly(pid: number, seen: string): Promise<ThoroughRead | null> {
    const known = readings.get(pid)
    if (known && known.seen === seen && now() - known.at < COUNTED_DOWN_MS) return known
    readings.delete(pid)
    const at = now()
    const view = await network.lookInto(pid).catch(async (cause: unknown) => {
      if ((await processes.netNamespaceOf(pid)) === null) return null
      throw cause
    })
    if (view === null) return null
    const reading = { seen, at, view }
    readings.set(pid, reading)
    lifetimes.delete(pid)
    for (const { name } of view.links) {
      for (const state of view.addressesOf(name)) {
        if (state.isDeprecated) learn(pid, state.address, state, at)
      }
    }
    return reading
  }

  async function read(pid: number, endpoints: readonly Endpoint[]) {
    const [own, theirs, text] = await Promise.all([
      processes.netNamespaceOf('self'),
      processes.netNamespaceOf(pid),
      processes.readIfInet6(pid),
    ])
    if (theirs === null || theirs === own || text === null) {
      forget(pid)
      return null
    }
    const known = readKnown(text, endpoints, (address) => knownOf(pid, address))
    if (known !== null) return known
    const reading = await readThoroughly(pid, text)
    if (reading === null) return null
    const seconds = Math.floor((now() - reading.at) / 1000)
    return endpoints.map((endpoint): InterfaceState => {
      const link = findLink(endpoint, reading.view)
      if (link === undefined) return NOT_FOUND
      const addresses = reading.view.addressesOf(link.name)
      return {
        interface: link.name,
        addresses: addresses.map((state) => ageAddress(state, seconds)),
      }
    })
  }

  return { read, changed, forget }
}
