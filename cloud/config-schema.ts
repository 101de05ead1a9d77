import * as v from 'valibot'
import { quote, ReprefixError } from '../shared/errors.ts'
import { parseAddress, parseIPv4 } from '../shared/ipv6.ts'
import { parseCloudUrl } from '../shared/join.ts'
import { parsedBy } from '../shared/schema.ts'
import type { ProviderSettings } from './dns/provider-settings.ts'
import { parseServer } from './dns/rfc2136-settings.ts'
import type { NameServer } from './dns/verify/authoritative-dns.ts'
import { parseAddressRange } from './domain/client-address.ts'
import { passSettingsSchema } from './pass-settings.ts'

/** Where the cloud listens. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Where hosts, desired RRsets and the log are kept. */
export type StoreSettings =
  /** A libsql database; `url` as the driver takes it. */
  | { readonly kind: 'file'; readonly url: string }
  /** A libsql server (sqld, Turso). */
  | { readonly kind: 'server'; readonly url: string }
  | { readonly kind: 'dynamodb'; readonly table: string }
  /** The name of the D1 database in a Worker's environment. */
  | { readonly kind: 'd1'; readonly binding: string }

/** A key that signs the log: a file that is made where there is none, or the key's own text. */
export type LogKeySettings =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'text'; readonly text: string }

const MIN_ADMIN_TOKEN = 24
const MIN_TTL = 1
const MAX_TTL = 86_400
const DEFAULT_TTL = 60
const DEFAULT_LISTEN = '[::]:8080'
const DEFAULT_LOG_KEY = 'log.key'
const PROVIDER_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** What a key's text begins with (C2SP signed-note); no file is called so. */
const LOG_KEY_MARK = 'PRIVATE+KEY+'
/**
 * A libsql file, a libsql server, a table (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html)
 * or the name of a binding.
 */
const STORE =
  /^(?:file:.+|(?:libsql|https?):\/\/[^\s?#]+|dynamodb:[\w.-]{3,255}|d1:[A-Za-z_$][\w$]*)$/

/**
 * cloud.yaml as it is written, with the kinds of providers that `providers` knows; `checkConfig` checks
 * what spans several values.
 */
export function configSchemaWith<const P extends v.GenericSchema<unknown, ProviderSettings>>(
  providers: P,
) {
  return v.strictObject({
    url: parsedBy(parsePublicUrl),
    listen: v.optional(parsedBy(parseListen), DEFAULT_LISTEN),
    trustedProxies: v.optional(v.array(parsedBy(parseAddressRange)), []),
    store: v.pipe(
      v.string(),
      v.regex(
        STORE,
        'must be file:/var/lib/reprefix/cloud.db, libsql://HOST, dynamodb:TABLE or d1:BINDING',
      ),
      v.transform(readStore),
    ),
    storeToken: v.exactOptional(
      v.pipe(v.string(), v.regex(/^[!-~]+$/, 'must have no white space and only ASCII characters')),
    ),
    dnsOverHttps: v.optional(v.array(parsedBy(parseResolver)), []),
    log: v.optional(
      v.strictObject({
        key: v.optional(parsedBy(parseLogKey), DEFAULT_LOG_KEY),
        nextKey: v.exactOptional(parsedBy(parseLogKey)),
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
      providers,
    ),
  })
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

/** Of a text that has the form. */
function readStore(text: string): StoreSettings {
  const name = text.slice(text.indexOf(':') + 1)
  if (text.startsWith('dynamodb:')) return { kind: 'dynamodb', table: name }
  if (text.startsWith('d1:')) return { kind: 'd1', binding: name }
  return { kind: text.startsWith('file:') ? 'file' : 'server', url: text }
}

function parseLogKey(text: string): LogKeySettings {
  if (text.startsWith(LOG_KEY_MARK)) return { kind: 'text', text }
  return { kind: 'file', path: text }
}
