import { ReprefixError } from '../../shared/errors.ts'
import { countRouters, parseAddresses, parseDelegatedRoutes } from '../domain/ip-json.ts'
import type { Delegation, UplinkIntent, UplinkSnapshot } from '../domain/model.ts'
import type { Kernel } from '../ports.ts'
import { lastWords, type RunCommand } from './command.ts'
import { failedLines } from './container-namespaces.ts'
import { parseLinks, parseOwnRoutes, parseProxiedNeighbours } from './ip-links.ts'

/** Index of every link of the agent's network namespace, by name. */
export type LinkIndexes = () => Promise<ReadonlyMap<string, number>>

/** What the kernel is asked of an uplink. */
export type KernelUplink = Pick<UplinkIntent, 'uplink' | 'source'>

/** Clients may use a table of their own, so all of them are looked through. */
const REFUSING_ROUTES = ['unreachable', 'blackhole'].map(
  (type) => `route show table all type ${type}`,
)

interface Snapshot {
  /** One document for each uplink that has addresses. */
  readonly addresses: readonly string[]
  /** One document for each command that printed routes. */
  readonly routes: readonly string[]
  readonly links: string
  readonly neighbours: string
}

/** Lets callers that ask at the same time share one answer; the next caller asks anew. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<T> | undefined
  return () => {
    inFlight ??= read().finally(() => {
      inFlight = undefined
    })
    return inFlight
  }
}

/**
 * Tells the documents of a batch apart by what is in them, one JSON array a line: for an empty answer
 * some versions print an empty array and others nothing.
 */
function sortDocuments(text: string): Snapshot {
  const documents = text.split('\n').filter((line) => line.includes('{"'))
  const isAbout = (line: string, member: string) => line.includes(`"${member}":`)
  return {
    routes: documents.filter((line) => isAbout(line, 'dst') && !isAbout(line, 'proxy')),
    neighbours: documents.find((line) => isAbout(line, 'dst') && isAbout(line, 'proxy')) ?? '',
    addresses: documents.filter((line) => isAbout(line, 'addr_info')),
    links:
      documents.find((line) => isAbout(line, 'link_type') && !isAbout(line, 'addr_info')) ?? '',
  }
}

/** One prefix, however many tables and commands show it. */
function delegatedBy(routes: readonly string[]): readonly Delegation[] {
  const all = routes.flatMap(parseDelegatedRoutes)
  return [...new Map(all.map((delegation) => [delegation.prefix, delegation])).values()]
}

/**
 * Reads the uplinks, the routes and the links of the agent's network namespace with iproute2, all from
 * one `ip -batch`: each process costs more than what it prints. Sysfs would show the links of the
 * namespace that mounted it, not ours. An uplink that is not there is read as just that.
 */
export function createKernel(
  run: RunCommand,
  uplinks: readonly KernelUplink[],
): { readonly kernel: Kernel; readonly linkIndexes: LinkIndexes } {
  // `link` comes last: it changes the address family of the commands after it.
  const isDelegated = uplinks.some(({ source }) => source === 'route')
  const lines = [
    'route show',
    ...(isDelegated ? REFUSING_ROUTES : []),
    'neigh show proxy',
    ...uplinks.map(({ uplink }) => `address show dev ${uplink}`),
    'link show',
  ]
  const input = `${lines.join('\n')}\n`

  const read = shared(async (): Promise<Snapshot> => {
    const result = await run(['ip', '-6', '-json', '-force', '-batch', '-'], { input })
    const snapshot = sortDocuments(result.stdout)
    const names = parseLinks(snapshot.links).map(({ name }) => name)
    const expected = lines.filter((line) =>
      uplinks.some(
        ({ uplink }) => line === `address show dev ${uplink}` && !names.includes(uplink),
      ),
    )
    const failed = [...failedLines(result, lines.length).keys()]
    if (failed.every((number) => expected.includes(lines[number - 1] ?? ''))) return snapshot
    throw new ReprefixError(
      'COMMAND_FAILED',
      `failed to read the addresses and routes: ${lastWords(result)}`,
    )
  })

  function snapshotOf(
    { uplink: name, source }: KernelUplink,
    { addresses, routes, links }: Snapshot,
  ): UplinkSnapshot {
    const isPresent = parseLinks(links).some((link) => link.name === name)
    const snapshot = {
      interface: name,
      isPresent,
      addresses: addresses.flatMap((document) => parseAddresses(document, name)),
      routers: Math.max(0, ...routes.map((document) => countRouters(document, name))),
    }
    if (source === 'route') return { ...snapshot, delegations: delegatedBy(routes) }
    if (isPresent || source !== 'slaac') return snapshot
    const unknown = `there is no interface ${name}: correct its name in the settings, or bring it up`
    return { ...snapshot, unknown }
  }

  return {
    kernel: {
      readUplinks: async () => {
        const snapshot = await read()
        return uplinks.map((uplink) => snapshotOf(uplink, snapshot))
      },
      readRoutes: async () => (await read()).routes.flatMap(parseOwnRoutes),
      readNeighbours: async () => parseProxiedNeighbours((await read()).neighbours),
    },
    linkIndexes: async () =>
      new Map(parseLinks((await read()).links).map(({ name, index }) => [name, index])),
  }
}
