import * as v from 'valibot'
import { messageOf, quote, ReprefixError } from '../shared/errors.ts'
import { type Prefix, parseAddress, parseIPv4 } from '../shared/ipv6.ts'
import { parseCloudUrl } from '../shared/join.ts'
import { type Fqdn, parseName } from '../shared/rrset.ts'
import { parsedBy } from '../shared/schema.ts'
import { parseSettings, type ReferenceResolver } from '../shared/settings.ts'
import { type ProviderSettings, providerSettingsSchema } from './dns/provider-settings.ts'
import { warningOf } from './dns/provider-types.ts'
import { parseServer } from './dns/rfc2136-settings.ts'
import type { NameServer } from './dns/verify/authoritative-dns.ts'
import type { ZoneTtl } from './domain/authorise-report.ts'
import { parseAddressRange } from './domain/client-address.ts'
import { passSettingsSchema } from './pass-settings.ts'

/** Where the cloud listens. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** A zone this cloud writes, with the providers that must all hold the same RRsets. */
export interface ZoneSettings extends ZoneTtl {
  readonly providers: readonly string[]
  /** Those to ask what is served, where that is not what the zone's NS records say. */
  readonly nameServers?: readonly NameServer[]
}

/** cloud.yaml, checked. */
export interface CloudConfig {
  /** The public URL, without a trailing slash: what join strings and signatures carry. */
  readonly url: string
  readonly listen: ListenAddress
  /** Proxies whose X-Forwarded-For is believed; IPv4 ranges as mapped ones. */
  readonly trustedProxies: readonly Prefix[]
  /** URL of the libsql database. */
  readonly store: string
  readonly logKeyPath: string
  /** The key that signs the log beside the first one, where there is one. */
  readonly logNextKeyPath?: string
  readonly adminToken: string
  readonly zones: readonly ZoneSettings[]
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** Resolvers to ask over HTTPS (RFC 8484), where name servers cannot be reached; none by default. */
  readonly dnsOverHttps: readonly string[]
  readonly pass: {
    /** From one scheduled pass to the next, in milliseconds. */
    readonly everyMs: number
    /** After how long a host that says nothing is stale, in milliseconds. */
    readonly silentAfterMs: number
  }
  /** What works but deserves a look. */
  readonly warnings: readonly string[]
}

const MIN_ADMIN_TOKEN = 24
const MIN_TTL = 1
const MAX_TTL = 86_400
const DEFAULT_TTL = 60
const DEFAULT_LISTEN = '[::]:8080'
const DEFAULT_LOG_KEY = 'log.key'
const PROVIDER_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** cloud.yaml as it is written; `parseConfig` checks what spans several values. */
export const configSchema = v.strictObject({
  url: parsedBy(parsePublicUrl),
  listen: v.optional(parsedBy(parseListen), DEFAULT_LISTEN),
  trustedProxies: v.optional(v.array(parsedBy(parseAddressRange)), []),
  store: v.pipe(
    v.string(),
    v.regex(/^file:.+/, 'must be a libsql file: write it like file:/var/lib/reprefix/cloud.db'),
  ),
  dnsOverHttps: v.optional(v.array(parsedBy(parseResolver)), []),
  log: v.optional(
    v.strictObject({
      key: v.optional(v.string(), DEFAULT_LOG_KEY),
      nextKey: v.exactOptional(v.string()),
    }),
    {},
  ),
  pass: v.optional(passSettingsSchema, {}),
  admin: v.strictObject({
    token: v.pipe(
      v.string(),
      v.minLength(
        MIN_ADMIN_TOKEN,
        `must have at least ${MIN_ADMIN_TOKEN} characters: make one with "openssl rand -hex 24"`,
      ),
      v.regex(/^[!-~]+$/, 'must have no white space and only ASCII characters'),
    ),
  }),
  zones: v.pipe(
    v.record(
      v.string(),
      v.strictObject({
        ttl: v.optional(
          v.pipe(v.number(), v.integer(), v.minValue(MIN_TTL), v.maxValue(MAX_TTL)),
          DEFAULT_TTL,
        ),
        providers: v.pipe(
          v.array(v.string()),
          v.minLength(1, 'names no provider: list at least one of those under "providers"'),
        ),
        nameServers: v.exactOptional(
          v.pipe(
            v.array(parsedBy(parseNameServer)),
            v.minLength(1, 'names no server: leave it out to ask those of the NS records'),
          ),
        ),
      }),
    ),
    v.minEntries(1, 'names no zone: add the zone that your names are in'),
  ),
  providers: v.record(
    v.pipe(v.string(), v.regex(PROVIDER_ID, 'must be of lower-case letters, digits, - and _')),
    providerSettingsSchema,
  ),
})

/**
 * Reads cloud.yaml. Every fault names the file, the path and what to do; unknown keys are faults.
 * @throws ReprefixError CONFIG_INVALID
 */
export function parseConfig(
  text: string,
  fileName: string,
  resolve: ReferenceResolver,
): CloudConfig {
  const settings = parseSettings(text, fileName, configSchema, resolve)
  const faults: string[] = []
  const zones: ZoneSettings[] = []
  for (const [key, { ttl, providers, nameServers }] of Object.entries(settings.zones)) {
    const name = zoneName(key, faults)
    if (zones.some((zone) => zone.name === name)) faults.push(`zones.${key}: is listed twice`)
    for (const id of providers.filter((id) => !Object.hasOwn(settings.providers, id))) {
      const known = Object.keys(settings.providers).join(', ') || 'none'
      faults.push(
        `zones.${key}.providers: ${quote(id)} is not under "providers" (there: ${known}); add it or fix the name`,
      )
    }
    if (new Set(providers).size < providers.length) {
      faults.push(`zones.${key}.providers: names a provider twice; remove one`)
    }
    zones.push({ name, ttl, providers, ...(nameServers && { nameServers }) })
  }
  if (faults.length > 0) {
    throw new ReprefixError('CONFIG_INVALID', faults.map((f) => `${fileName}: ${f}`).join('\n'))
  }
  if (settings.log.nextKey === settings.log.key) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      `${fileName}: log.nextKey: is the file of log.key; name another, which is made at the next start`,
    )
  }
  const used = new Set(zones.flatMap((zone) => zone.providers))
  const unused = Object.keys(settings.providers).filter((id) => !used.has(id))
  return {
    url: settings.url,
    listen: settings.listen,
    trustedProxies: settings.trustedProxies,
    store: settings.store,
    logKeyPath: settings.log.key,
    dnsOverHttps: settings.dnsOverHttps,
    ...(settings.log.nextKey === undefined ? {} : { logNextKeyPath: settings.log.nextKey }),
    pass: { everyMs: settings.pass.every, silentAfterMs: settings.pass.silentAfter },
    adminToken: settings.admin.token,
    zones,
    providers: settings.providers,
    warnings: [
      ...urlWarnings(settings.url),
      ...unused.map((id) => `providers.${id}: no zone uses it`),
      ...Object.entries(settings.providers).flatMap(([id, { type }]) => {
        const warning = used.has(id) ? warningOf(type) : undefined
        return warning === undefined ? [] : [`providers.${id}: ${warning}`]
      }),
    ],
  }
}

/**
 * Reads the public URL. Plain http passes no names: whoever answers for the name could take the
 * reports. On loopback and for a literal address it is permitted, for laboratories.
 */
function parsePublicUrl(text: string): string {
  const url = parseCloudUrl(text)
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || hostname === 'localhost' || isLiteral(hostname)) return url
  throw new ReprefixError(
    'URL_INVALID',
    `${quote(text)} is not secure: use https:// (a reverse proxy in front gives it), or a literal address`,
  )
}

function urlWarnings(url: string): string[] {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return []
  return [`url: ${url} is not encrypted; names and addresses can be read on the way, use https://`]
}

function isLiteral(hostname: string): boolean {
  if (hostname.startsWith('[')) return passes(() => parseAddress(hostname.slice(1, -1)))
  return passes(() => parseIPv4(hostname))
}

function passes(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

function parseResolver(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return new URL(text).href
  throw new ReprefixError(
    'URL_INVALID',
    `${quote(text)} is not the URL of a resolver: write it like https://dns.example.net/dns-query`,
  )
}

function parseNameServer(text: string): NameServer {
  return { name: text, addresses: [parseServer(text)] }
}

function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ReprefixError(
      'VALUE_INVALID',
      `${quote(text)} is not an address to listen on: write [::]:8080 or 127.0.0.1:8080`,
    )
  }
  const [, ipv6, other] = match
  return { host: ipv6 !== undefined ? parseAddress(ipv6) : (other ?? ''), port }
}

function zoneName(key: string, faults: string[]): Fqdn {
  try {
    return parseName(key)
  } catch (error) {
    faults.push(`zones.${key}: ${messageOf(error)}`)
    return parseName('invalid')
  }
}
