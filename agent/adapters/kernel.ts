import { ReprefixError } from '../../shared/errors.ts'
import { countRouters, parseAddresses } from '../domain/ip-json.ts'
import type { UplinkSnapshot } from '../domain/model.ts'
import type { Kernel } from '../ports.ts'
import { lastWords, type RunCommand } from './command.ts'
import { failedLines } from './container-namespaces.ts'
import { parseLinks, parseOwnRoutes } from './ip-links.ts'

/** Index of every link of the agent's network namespace, by name. */
export type LinkIndexes = () => Promise<ReadonlyMap<string, number>>

interface Snapshot {
  /** One document for each uplink that has addresses. */
  readonly addresses: readonly string[]
  readonly routes: string
  readonly links: string
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
    routes: documents.find((line) => isAbout(line, 'dst')) ?? '',
    addresses: documents.filter((line) => isAbout(line, 'addr_info')),
    links:
      documents.find((line) => isAbout(line, 'link_type') && !isAbout(line, 'addr_info')) ?? '',
  }
}

/**
 * Reads the uplinks, the routes and the links of the agent's network namespace with iproute2, all from
 * one `ip -batch`: each process costs more than what it prints. Sysfs would show the links of the
 * namespace that mounted it, not ours. An uplink that is not there is read as just that.
 */
export function createKernel(
  run: RunCommand,
  uplinks: readonly string[],
): { readonly kernel: Kernel; readonly linkIndexes: LinkIndexes } {
  // `link` comes last: it changes the address family of the commands after it.
  const lines = ['route show', ...uplinks.map((name) => `address show dev ${name}`), 'link show']
  const input = `${lines.join('\n')}\n`

  const read = shared(async (): Promise<Snapshot> => {
    const result = await run(['ip', '-6', '-json', '-force', '-batch', '-'], { input })
    const snapshot = sortDocuments(result.stdout)
    const names = parseLinks(snapshot.links).map(({ name }) => name)
    const expected = lines.filter((line) =>
      uplinks.some((name) => line === `address show dev ${name}` && !names.includes(name)),
    )
    const failed = [...failedLines(result, lines.length).keys()]
    if (failed.every((number) => expected.includes(lines[number - 1] ?? ''))) return snapshot
    throw new ReprefixError(
      'COMMAND_FAILED',
      `failed to read the addresses and routes: ${lastWords(result)}`,
    )
  })

  function snapshotOf(name: string, { addresses, routes, links }: Snapshot): UplinkSnapshot {
    if (!parseLinks(links).some((link) => link.name === name)) {
      const unknown = `there is no interface ${name}: correct its name in the settings, or bring it up`
      return { interface: name, isPresent: false, addresses: [], routers: 0, unknown }
    }
    return {
      interface: name,
      isPresent: true,
      addresses: addresses.flatMap((document) => parseAddresses(document, name)),
      routers: countRouters(routes, name),
    }
  }

  return {
    kernel: {
      readUplinks: async () => {
        const snapshot = await read()
        return uplinks.map((name) => snapshotOf(name, snapshot))
      },
      readRoutes: async () => parseOwnRoutes((await read()).routes),
    },
    linkIndexes: async () =>
      new Map(parseLinks((await read()).links).map(({ name, index }) => [name, index])),
  }
}
