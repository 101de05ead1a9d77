import { ReprefixError } from '../../shared/errors.ts'
import { countRouters, parseAddresses } from '../domain/ip-json.ts'
import type { Kernel } from '../ports.ts'
import { lastWords, type RunCommand } from './command.ts'
import { parseLinks, parseOwnRoutes } from './ip-links.ts'

/** Index of every link of the agent's network namespace, by name. */
export type LinkIndexes = () => Promise<ReadonlyMap<string, number>>

interface Snapshot {
  readonly addresses: string
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
    addresses: documents.find((line) => isAbout(line, 'addr_info')) ?? '',
    links:
      documents.find((line) => isAbout(line, 'link_type') && !isAbout(line, 'addr_info')) ?? '',
  }
}

/**
 * Reads the uplink, the routes and the links of the agent's network namespace with iproute2, all from
 * one `ip -batch`: each process costs more than what it prints. Sysfs would show the links of the
 * namespace that mounted it, not ours.
 */
export function createKernel(
  run: RunCommand,
  uplink: string,
): { readonly kernel: Kernel; readonly linkIndexes: LinkIndexes } {
  // `link` comes last: it changes the address family of the commands after it.
  const input = `route show\naddress show dev ${uplink}\nlink show\n`

  const read = shared(async (): Promise<Snapshot> => {
    const result = await run(['ip', '-6', '-json', '-force', '-batch', '-'], { input })
    const snapshot = sortDocuments(result.stdout)
    if (result.exitCode === 0) return snapshot
    const isThere = parseLinks(snapshot.links).some(({ name }) => name === uplink)
    throw new ReprefixError(
      'COMMAND_FAILED',
      isThere
        ? `failed to read the addresses and routes: ${lastWords(result)}`
        : `there is no interface ${uplink}: correct "interface" in the settings, or bring it up`,
    )
  })

  return {
    kernel: {
      readUplink: async () => {
        const { addresses, routes } = await read()
        return {
          interface: uplink,
          addresses: parseAddresses(addresses, uplink),
          routers: countRouters(routes, uplink),
        }
      },
      readRoutes: async () => parseOwnRoutes((await read()).routes),
    },
    linkIndexes: async () =>
      new Map(parseLinks((await read()).links).map(({ name, index }) => [name, index])),
  }
}
