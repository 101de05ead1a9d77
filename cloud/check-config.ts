import type * as v from 'valibot'
import { messageOf, quote, ReprefixError } from '../shared/errors.ts'
import type { Prefix } from '../shared/ipv6.ts'
import { type Fqdn, parseName } from '../shared/rrset.ts'
import type {
  configSchemaWith,
  ListenAddress,
  LogKeySettings,
  StoreSettings,
} from './config-schema.ts'
import type { ProviderSettings, providerSettingsSchema } from './dns/provider-settings.ts'
import type { NameServer } from './dns/verify/authoritative-dns.ts'
import type { ZoneTtl } from './domain/authorise-report.ts'

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
  readonly store: StoreSettings
  /** What a libsql server wants, where it wants something. */
  readonly storeToken?: string
  readonly logKey: LogKeySettings
  /** The key that signs the log beside the first one, where there is one. */
  readonly logNextKey?: LogKeySettings
  readonly adminToken: string
  readonly zones: readonly ZoneSettings[]
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** Resolvers to ask over HTTPS (RFC 8484), where name servers cannot be reached; none by default. */
  readonly dnsOverHttps: readonly string[]
  readonly pass: {
    /** From one scheduled pass to the next, in milliseconds; where the platform has no schedule. */
    readonly everyMs: number
    /** After how long a host that says nothing is stale, in milliseconds. */
    readonly silentAfterMs: number
  }
  /** What works but deserves a look. */
  readonly warnings: readonly string[]
}

/** Settings of which each has the right form. */
export type Settings = v.InferOutput<
  ReturnType<typeof configSchemaWith<typeof providerSettingsSchema>>
>

/** What an operator must know of kinds of providers. */
type Warnings = Readonly<Record<string, { readonly warning?: string }>>

/**
 * What a whole configuration is, of settings that each have the right form. `types` are the kinds of
 * providers in it. Every fault names the file, the path and what to do.
 * @throws ReprefixError CONFIG_INVALID
 */
export function checkConfig(settings: Settings, fileName: string, types: Warnings): CloudConfig {
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
  if (isSameKey(settings.log.key, settings.log.nextKey)) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      `${fileName}: log.nextKey: is log.key once more; name another, a file is made at the next start`,
    )
  }
  const used = new Set(zones.flatMap((zone) => zone.providers))
  const unused = Object.keys(settings.providers).filter((id) => !used.has(id))
  return {
    url: settings.url,
    listen: settings.listen,
    trustedProxies: settings.trustedProxies,
    store: settings.store,
    ...(settings.storeToken === undefined ? {} : { storeToken: settings.storeToken }),
    logKey: settings.log.key,
    dnsOverHttps: settings.dnsOverHttps,
    ...(settings.log.nextKey === undefined ? {} : { logNextKey: settings.log.nextKey }),
    pass: { everyMs: settings.pass.every, silentAfterMs: settings.pass.silentAfter },
    adminToken: settings.admin.token,
    zones,
    providers: settings.providers,
    warnings: [
      ...urlWarnings(settings.url),
      ...unused.map((id) => `providers.${id}: no zone uses it`),
      ...Object.entries(settings.providers).flatMap(([id, { type }]) => {
        const warning = used.has(id) ? types[type]?.warning : undefined
        return warning === undefined ? [] : [`providers.${id}: ${warning}`]
      }),
    ],
  }
}

function urlWarnings(url: string): string[] {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return []
  return [`url: ${url} is not encrypted; names and addresses can be read on the way, use https://`]
}

function isSameKey(key: LogKeySettings, next: LogKeySettings | undefined): boolean {
  return JSON.stringify(key) === JSON.stringify(next)
}

function zoneName(key: string, faults: string[]): Fqdn {
  try {
    return parseName(key)
  } catch (error) {
    faults.push(`zones.${key}: ${messageOf(error)}`)
    return parseName('invalid')
  }
}
