import * as v from 'valibot'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { lengthOf, type Prefix, parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import type { AddressState, Delegation } from './model.ts'

/** How iproute2 prints an infinite lifetime (RFC 4861 §4.6.2: all one bits). */
const FOREVER = 0xffffffff

const secondsSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(FOREVER))
// Flags are present only when true, and each iproute2 adds members: both objects are loose.
const flagSchema = v.optional(v.boolean(), false)

const addressSchema = v.looseObject({
  family: v.string(),
  local: v.optional(v.string()),
  prefixlen: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(128))),
  scope: v.optional(v.string()),
  temporary: flagSchema,
  deprecated: flagSchema,
  tentative: flagSchema,
  dadfailed: flagSchema,
  dynamic: flagSchema,
  mngtmpaddr: flagSchema,
  valid_life_time: v.optional(secondsSchema, FOREVER),
  preferred_life_time: v.optional(secondsSchema, FOREVER),
})

// Interfaces that a filter leaves out appear as `{}`.
const linksSchema = v.array(
  v.looseObject({
    ifname: v.optional(v.string()),
    addr_info: v.optional(v.array(addressSchema), []),
  }),
)

/** Routing protocols under which clients and scripts set the route; `boot` is what `ip route` says. */
const CLIENTS = new Set(['dhcp', 'ra', 'static', 'boot'])

const hopSchema = v.looseObject({ gateway: v.optional(v.string()), dev: v.optional(v.string()) })
const routesSchema = v.array(
  v.looseObject({
    dst: v.string(),
    type: v.optional(v.string()),
    dev: v.optional(v.string()),
    gateway: v.optional(v.string()),
    protocol: v.optional(v.string()),
    expires: v.optional(v.number()),
    nexthops: v.optional(v.array(hopSchema), []),
  }),
)

/**
 * Reads the addresses of one interface from `ip -6 -json address`, link-local ones left out, in the
 * kernel's order. An interface that is not there has none.
 * @throws ReprefixError IP_OUTPUT_INVALID when the text is not what iproute2 prints
 */
export function parseAddresses(json: string, interfaceName: string): readonly AddressState[] {
  const links = decode(json, linksSchema, 'ip -6 -json address')
  return links
    .filter((link) => link.ifname === interfaceName)
    .flatMap((link) => link.addr_info)
    .filter((info) => info.family === 'inet6' && info.scope !== 'link')
    .map((info) => {
      const [preferred, valid] = [info.preferred_life_time, info.valid_life_time]
      return {
        address: readText(info.local ?? '', parseAddress, 'ip -6 -json address'),
        length: info.prefixlen ?? 128,
        preferredSeconds: preferred === FOREVER ? null : preferred,
        validSeconds: valid === FOREVER ? null : valid,
        isTemporary: info.temporary,
        isDeprecated: info.deprecated,
        isTentative: info.tentative,
        isDadFailed: info.dadfailed,
        isDynamic: info.dynamic,
        // What the kernel makes from an announced prefix it marks so, whether or not it uses it.
        ...(info.mngtmpaddr || info.temporary ? { isLearnt: true } : {}),
      }
    })
}

/**
 * Counts the distinct default routers learnt from router advertisements in
 * `ip -6 -json route show default`, on one interface where it is given. A router that announces
 * prefixes with a router lifetime of 0 (RFC 4861 §6.3.4) has no default route and is not counted.
 * @throws ReprefixError IP_OUTPUT_INVALID when the text is not what iproute2 prints
 */
export function countRouters(json: string, interfaceName?: string): number {
  const routes = decode(json, routesSchema, 'ip -6 -json route')
  const hops = routes
    .filter(({ dst, protocol }) => dst === 'default' && protocol === 'ra')
    .flatMap((route) => [route, ...route.nexthops.map((hop) => ({ dev: route.dev, ...hop }))])
    .filter(({ dev }) => interfaceName === undefined || dev === undefined || dev === interfaceName)
  const routers = hops.flatMap(({ gateway, dev }) => (gateway ? [`${gateway}%${dev ?? ''}`] : []))
  return new Set(routers).size
}

/**
 * Reads the delegations that DHCPv6 clients leave in the routing tables: a route for the whole prefix
 * that refuses what no more specific one takes (RFC 7084 §4.2, WPD-5), set by systemd-networkd, dhcpcd
 * or a script. The prefixes of other such routes are told apart by length and by `prefix.within`.
 * @throws ReprefixError IP_OUTPUT_INVALID when the text is not what iproute2 prints
 */
export function parseDelegatedRoutes(json: string): readonly Delegation[] {
  return decode(json, routesSchema, 'ip -6 -json route')
    .filter(({ type, protocol, expires }) => {
      const isRefusing = type === 'unreachable' || type === 'blackhole'
      return isRefusing && CLIENTS.has(protocol ?? 'boot') && (expires ?? 1) > 0
    })
    .flatMap(({ dst, expires = null }) => {
      const prefix = readDelegated(dst)
      return prefix === undefined
        ? []
        : [{ prefix, preferredSeconds: expires, validSeconds: expires }]
    })
}

function readDelegated(dst: string): Prefix | undefined {
  if (!dst.includes('/')) return undefined
  const prefix = readText(dst, parsePrefix, 'ip -6 -json route')
  return lengthOf(prefix) >= 48 && lengthOf(prefix) <= 64 ? prefix : undefined
}

function readText<T>(text: string, parse: (text: string) => T, command: string): T {
  try {
    return parse(text)
  } catch (cause) {
    throw invalid(command, messageOf(cause), cause)
  }
}

function decode<S extends v.GenericSchema>(
  json: string,
  schema: S,
  command: string,
): v.InferOutput<S> {
  // Nothing to print is nothing at all in some versions, `[]` or `[{}]` in others.
  if (json.trim() === '') return v.parse(schema, [])
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw invalid(command, messageOf(cause), cause)
  }
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [issue] = result.issues
  throw invalid(command, `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`, undefined)
}

function invalid(command: string, fault: string, cause: unknown): ReprefixError {
  return new ReprefixError(
    'IP_OUTPUT_INVALID',
    `failed to read the output of "${command}": ${fault}; is iproute2 5.10 or later installed?`,
    { cause },
  )
}
