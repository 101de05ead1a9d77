import * as v from 'valibot'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import type { NeighbourEntry, RouteState } from '../domain/model.ts'
import { type Link, ROUTE_PROTOCOL } from './network.ts'

/** The number of our own routing protocol as `ip` prints it. */
const PROTOCOL = String(ROUTE_PROTOCOL)

const linkSchema = v.looseObject({
  ifindex: v.number(),
  ifname: v.string(),
  address: v.optional(v.string(), ''),
})

const routeSchema = v.looseObject({
  dst: v.string(),
  dev: v.optional(v.string()),
  protocol: v.optional(v.string()),
})

/** Reads a JSON list that `ip` printed; `{}` stands for interfaces that were not asked for. */
function decode<S extends v.GenericSchema>(json: string, schema: S): v.InferOutput<S>[] {
  try {
    const rows = v.parse(v.array(v.looseObject({})), JSON.parse(json.trim() === '' ? '[]' : json))
    return rows.filter((row) => Object.keys(row).length > 0).map((row) => v.parse(schema, row))
  } catch (cause) {
    throw new ReprefixError(
      'IP_OUTPUT_INVALID',
      `failed to read what "ip -json" printed: ${messageOf(cause)}; is iproute2 5.10 or later installed?`,
      { cause },
    )
  }
}

/** Reads the interfaces of `ip -json link` or `ip -json address`. */
export function parseLinks(json: string): readonly Link[] {
  return decode(json, linkSchema).map(({ ifindex, ifname, address }) => ({
    index: ifindex,
    name: ifname,
    mac: address.toLowerCase(),
  }))
}

/** Reads our own routes from `ip -6 -json route`; see {@link ROUTE_PROTOCOL}. */
export function parseOwnRoutes(json: string): readonly RouteState[] {
  return decode(json, routeSchema).flatMap(({ dst, dev, protocol }) =>
    protocol === PROTOCOL && dev !== undefined && dst.includes('/')
      ? [{ subnet: parsePrefix(dst), interface: dev }]
      : [],
  )
}

const neighbourSchema = v.looseObject({
  dst: v.string(),
  dev: v.optional(v.string()),
  protocol: v.optional(v.string()),
})

/** Reads `ip -6 -json neigh show proxy`; see {@link ROUTE_PROTOCOL}. */
export function parseProxiedNeighbours(json: string): readonly NeighbourEntry[] {
  return decode(json, neighbourSchema).flatMap(({ dst, dev, protocol }) =>
    dev === undefined
      ? []
      : [{ interface: dev, address: parseAddress(dst), isOurs: protocol === PROTOCOL }],
  )
}
