import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { networkOf, type Prefix, parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import type { NeighbourTable, RuleFacts, UplinkSettings } from '../domain/doctor-network.ts'
import { parseAddresses } from '../domain/ip-json.ts'
import type { RunCommand } from './command.ts'
import { requireSuccess } from './command.ts'
import { ROUTE_PROTOCOL } from './network.ts'

const SYSCTL_ROOT = '/proc/sys'

const linkSchema = v.looseObject({
  ifname: v.optional(v.string()),
  flags: v.optional(v.array(v.string()), []),
})
const ruleSchema = v.looseObject({
  src: v.optional(v.string(), 'all'),
  srclen: v.optional(v.number()),
  table: v.optional(v.string(), ''),
})
const routeSchema = v.looseObject({ dst: v.optional(v.string()), protocol: v.optional(v.string()) })

function decodeList<S extends v.GenericSchema>(json: string, schema: S): v.InferOutput<S>[] {
  try {
    return v.parse(v.array(schema), JSON.parse(json.trim() === '' ? '[]' : json))
  } catch (cause) {
    throw new ReprefixError(
      'IP_OUTPUT_INVALID',
      `failed to read what "ip -json" printed: ${messageOf(cause)}; is iproute2 5.10 or later installed?`,
      { cause },
    )
  }
}

/** A kernel setting of our network namespace as a number; `null` where there is none. */
async function readNumber(name: string, root: string): Promise<number | null> {
  const text = await readFile(`${root}/${name}`, 'utf8').catch(() => '')
  return /^-?\d+\s*$/.test(text) ? Number(text) : null
}

/** Whether the host forwards IPv6 between any two interfaces. */
export async function readForwarding(root = SYSCTL_ROOT): Promise<boolean> {
  return (await readNumber('net/ipv6/conf/all/forwarding', root)) === 1
}

/** A line a processor: the entries of all, and counts of its own, in hexadecimal (net/core/neighbour.c). */
const NEIGHBOUR_STATISTICS = '/proc/net/stat/ndisc_cache'

/** Reads how full the table of IPv6 neighbours is; `null` inside a network namespace. */
export async function readNeighbourTable(
  root = SYSCTL_ROOT,
  statistics = NEIGHBOUR_STATISTICS,
): Promise<NeighbourTable | null> {
  const limit = await readNumber('net/ipv6/neigh/default/gc_thresh3', root)
  const text = await readFile(statistics, 'utf8').catch(() => '')
  const [names = [], ...processors] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const column = (name: string): number[] =>
    processors.map((values) => Number.parseInt(values[names.indexOf(name)] ?? '', 16))
  const [entries = Number.NaN] = column('entries')
  const timesFull = column('table_fulls').reduce((sum, count) => sum + count, 0)
  if (limit === null || Number.isNaN(entries) || Number.isNaN(timesFull)) return null
  return { entries, limit, timesFull }
}

/** Reads what the kernel is told about one interface. */
export async function readUplinkSettings(
  name: string,
  root = SYSCTL_ROOT,
): Promise<UplinkSettings> {
  const [forwarding, acceptRa, own, all, proxyDelay, maxAddresses] = await Promise.all(
    [
      `net/ipv6/conf/${name}/forwarding`,
      `net/ipv6/conf/${name}/accept_ra`,
      `net/ipv6/conf/${name}/proxy_ndp`,
      'net/ipv6/conf/all/proxy_ndp',
      `net/ipv6/neigh/${name}/proxy_delay`,
      `net/ipv6/conf/${name}/max_addresses`,
    ].map((path) => readNumber(path, root)),
  )
  const proxyNdp = own === 1 || all === 1 ? 1 : (own ?? null)
  return {
    forwarding: forwarding ?? null,
    acceptRa: acceptRa ?? null,
    proxyNdp,
    proxyDelay: proxyDelay ?? null,
    maxAddresses: maxAddresses ?? null,
  }
}

/** Names of the interfaces that are up and have a carrier. */
export async function readLinksUp(run: RunCommand): Promise<ReadonlySet<string>> {
  const { stdout } = requireSuccess(
    await run(['ip', '-json', 'link', 'show']),
    'failed to read the interfaces',
  )
  const up = decodeList(stdout, linkSchema).filter(
    ({ flags }) => flags.includes('UP') && flags.includes('LOWER_UP'),
  )
  return new Set(up.flatMap(({ ifname }) => ifname ?? []))
}

/** Reads the rules of IPv6 policy routing. */
export async function readRules(run: RunCommand): Promise<readonly RuleFacts[]> {
  const { stdout } = requireSuccess(
    await run(['ip', '-6', '-json', 'rule', 'show']),
    'failed to read the rules of policy routing',
  )
  return decodeList(stdout, ruleSchema).map(({ src, srclen, table }) => ({
    source: src === 'all' ? null : networkOf(parseAddress(src), srclen ?? 128),
    table,
  }))
}

/** Reads the global addresses of an interface, and the routes to it that are not ours. */
export async function readInterface(run: RunCommand, name: string) {
  const [addresses, routes] = await Promise.all([
    run(['ip', '-6', '-json', 'address', 'show', 'dev', name]),
    run(['ip', '-6', '-json', 'route', 'show', 'dev', name]),
  ])
  // An interface that is not there has nothing on it.
  if (addresses.exitCode !== 0 || routes.exitCode !== 0) return { addresses: [], routes: [] }
  return {
    addresses: parseAddresses(addresses.stdout, name).map(({ address }) => address),
    routes: decodeList(routes.stdout, routeSchema).flatMap(({ dst, protocol }): Prefix[] =>
      dst?.includes('/') && protocol !== String(ROUTE_PROTOCOL) && !/^f[ef]/.test(dst)
        ? [parsePrefix(dst)]
        : [],
    ),
  }
}
