import type { Address } from '../../shared/ipv6.ts'
import { ageAddress } from '../domain/aging.ts'
import { parseAddresses } from '../domain/ip-json.ts'
import type { AttachmentState } from '../domain/model.ts'
import { type RunCommand, requireSuccess } from './command.ts'
import type { AddressStep } from './container-namespaces.ts'
import { type Link, parseLinks } from './ip-links.ts'
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
  readonly json: string
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
  links: readonly Link[],
  json: string,
): Link | undefined {
  const alike = links.filter((link) => mac !== '' && link.mac === mac)
  if (alike.length === 1) return alike[0]
  return links.find(({ name }) =>
    parseAddresses(json, name).some(({ address }) => address === dockerAddress),
  )
}

/**
 * Reads addresses from /proc where it tells all of them, and else with `nsenter … ip -json`, which
 * also tells lifetimes and MAC addresses but costs a process for each container. Such a reading is
 * used again while /proc shows the same addresses with the same flags. The lifetimes of deprecated
 * addresses, read so or given by ourselves, are counted down, and read anew every quarter of an hour.
 */
export function createContainerInterfaces(
  run: RunCommand,
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
    const result = await run(['nsenter', '-t', String(pid), '-n', 'ip', '-json', 'address', 'show'])
    if (result.exitCode !== 0 && (await processes.netNamespaceOf(pid)) === null) return null
    requireSuccess(result, `failed to read the addresses of process ${pid}`)
    const reading = { seen, at, json: result.stdout }
    readings.set(pid, reading)
    lifetimes.delete(pid)
    for (const { name } of parseLinks(reading.json)) {
      for (const state of parseAddresses(reading.json, name)) {
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
    const links = parseLinks(reading.json)
    const seconds = Math.floor((now() - reading.at) / 1000)
    return endpoints.map((endpoint): InterfaceState => {
      const link = findLink(endpoint, links, reading.json)
      if (link === undefined) return NOT_FOUND
      const addresses = parseAddresses(reading.json, link.name)
      return {
        interface: link.name,
        addresses: addresses.map((state) => ageAddress(state, seconds)),
      }
    })
  }

  return { read, changed, forget }
}
