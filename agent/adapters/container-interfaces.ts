import type { Address } from '../../shared/ipv6.ts'
import { ageAddress } from '../domain/aging.ts'
import { parseAddresses } from '../domain/ip-json.ts'
import type { AttachmentState } from '../domain/model.ts'
import { type RunCommand, requireSuccess } from './command.ts'
import type { AddressStep } from './container-namespaces.ts'
import { parseLinks } from './ip-links.ts'
import { parseKnownAddresses } from './proc-net.ts'
import type { ProcessTable } from './processes.ts'

/** What is known of an interface from outside the container. */
export interface Endpoint {
  /** In lower case; empty where it is not known. */
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
  readonly at: number
}

/** How long lifetimes are counted down instead of read; changes of anything else are seen at once. */
const COUNTED_DOWN_MS = 900_000

/** `null` unless /proc and the known lifetimes tell all, with Docker's own addresses among them. */
function readKnown(
  text: string,
  endpoints: readonly Endpoint[],
  validSecondsOf: (address: Address) => number | null | undefined,
): InterfaceState[] | null {
  const all = parseKnownAddresses(text, validSecondsOf)
  const found: InterfaceState[] = []
  for (const { dockerAddress } of endpoints) {
    const own = all?.find(({ state }) => state.address === dockerAddress)
    if (!all || !own) return null
    const addresses = all.filter((other) => other.interface === own.interface)
    found.push({ interface: own.interface, addresses: addresses.map(({ state }) => state) })
  }
  return found
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

  function validSecondsOf(pid: number, address: Address): number | null | undefined {
    const known = lifetimes.get(pid)?.get(address)
    if (known === undefined || now() - known.at > COUNTED_DOWN_MS) return undefined
    if (known.validUntil === null) return null
    return Math.max(0, Math.floor((known.validUntil - now()) / 1000))
  }

  function learn(pid: number, address: Address, validSeconds: number | null, at: number): void {
    const validUntil = validSeconds === null ? null : at + validSeconds * 1000
    const known = lifetimes.get(pid) ?? new Map<Address, Lifetime>()
    lifetimes.set(pid, known.set(address, { validUntil, at }))
  }

  function changed(step: AddressStep, isDone: boolean): void {
    readings.delete(step.pid)
    lifetimes.get(step.pid)?.delete(step.address)
    if (step.kind !== 'address-deprecate' || !isDone) return
    learn(step.pid, step.address, step.validSeconds, now())
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
      for (const { address, isDeprecated, validSeconds } of parseAddresses(reading.json, name)) {
        if (isDeprecated) learn(pid, address, validSeconds, at)
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
    const known = readKnown(text, endpoints, (address) => validSecondsOf(pid, address))
    if (known !== null) return known
    const reading = await readThoroughly(pid, text)
    if (reading === null) return null
    const links = parseLinks(reading.json)
    const seconds = Math.floor((now() - reading.at) / 1000)
    return endpoints.map(({ mac }): InterfaceState => {
      const link = links.find((candidate) => mac !== '' && candidate.mac === mac)
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
