import type { Address } from '../../shared/ipv6.ts'
import { parseAddresses } from '../domain/ip-json.ts'
import type { AddressState, AttachmentState } from '../domain/model.ts'
import { type RunCommand, requireSuccess } from './command.ts'
import { parseLinks } from './ip-links.ts'
import { parseLastingAddresses } from './proc-net.ts'
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
  /** To be called after the addresses inside were changed. */
  forget(pid: number): void
}

interface ThoroughRead {
  /** /proc/PID/net/if_inet6 when it was made. */
  readonly seen: string
  readonly at: number
  readonly json: string
}

/** How long lifetimes are counted down instead of read; changes of anything else are seen at once. */
const COUNTED_DOWN_MS = 30_000

function age(state: AddressState, seconds: number): AddressState {
  const left = (value: number | null) => (value === null ? null : Math.max(0, value - seconds))
  return {
    ...state,
    preferredSeconds: left(state.preferredSeconds),
    validSeconds: left(state.validSeconds),
  }
}

/** `null` unless all addresses last forever and Docker's own are among them. */
function readLasting(text: string, endpoints: readonly Endpoint[]): InterfaceState[] | null {
  const all = parseLastingAddresses(text)
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
 * used again while /proc shows the same addresses with the same flags.
 */
export function createContainerInterfaces(
  run: RunCommand,
  processes: ProcessTable,
  now: () => number = () => performance.now(),
): ContainerInterfaces {
  const readings = new Map<number, ThoroughRead>()

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
    return reading
  }

  async function read(pid: number, endpoints: readonly Endpoint[]) {
    const [own, theirs, text] = await Promise.all([
      processes.netNamespaceOf('self'),
      processes.netNamespaceOf(pid),
      processes.readIfInet6(pid),
    ])
    if (theirs === null || theirs === own || text === null) {
      readings.delete(pid)
      return null
    }
    const lasting = readLasting(text, endpoints)
    if (lasting !== null) return lasting
    const reading = await readThoroughly(pid, text)
    if (reading === null) return null
    const links = parseLinks(reading.json)
    const seconds = Math.floor((now() - reading.at) / 1000)
    return endpoints.map(({ mac }): InterfaceState => {
      const link = links.find((candidate) => mac !== '' && candidate.mac === mac)
      if (link === undefined) return NOT_FOUND
      const addresses = parseAddresses(reading.json, link.name)
      return { interface: link.name, addresses: addresses.map((state) => age(state, seconds)) }
    })
  }

  return { read, forget: (pid) => void readings.delete(pid) }
}
