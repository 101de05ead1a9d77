import * as v from 'valibot'
import { decodeBase64 } from '../../shared/base64.ts'
import { quote, ReprefixError } from '../../shared/errors.ts'
import { parseAddress, parseIPv4 } from '../../shared/ipv6.ts'
import { parseName } from '../../shared/rrset.ts'
import { parsedBy } from '../../shared/schema.ts'

/** Where a DNS server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

const KEY_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
const MAX_NAME_LENGTH = 253

/** A server that takes RFC 2136 UPDATE messages signed with TSIG (RFC 8945). */
export const rfc2136SettingsSchema = v.strictObject({
  type: v.literal('rfc2136'),
  server: parsedBy(parseServer),
  tsig: v.strictObject({
    name: parsedBy(parseKeyName),
    algorithm: v.picklist(['hmac-sha256', 'hmac-sha384', 'hmac-sha512']),
    secret: v.pipe(
      parsedBy(decodeBase64),
      v.check(({ length }) => length > 0, 'is empty'),
    ),
  }),
})

/** Settings of one RFC 2136 server. */
export type Rfc2136Settings = v.InferOutput<typeof rfc2136SettingsSchema>
/** A key shared with the server; `name` in lower case without the trailing dot. */
export type TsigKey = Rfc2136Settings['tsig']

/**
 * Reads `address:port`, `[IPv6]:port` or `host:port`; the port may be left out and is then 53.
 * @throws ReprefixError VALUE_INVALID
 */
export function parseServer(text: string): ServerAddress {
  const match =
    /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:[\]]+)(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1]
  const port = Number(match?.[2] ?? 53)
  if (host === undefined || port < 1 || port > 65_535) {
    throw new ReprefixError(
      'VALUE_INVALID',
      `${quote(text)} is not a server: write 192.0.2.1:53, [2001:db8::1]:53 or ns1.example.org:53`,
    )
  }
  if (text.startsWith('[')) return { host: parseAddress(host), port }
  return { host: /^[\d.]+$/.test(host) ? parseIPv4(host) : parseName(host), port }
}

function parseKeyName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '')
  if (KEY_NAME.test(name) && name.length <= MAX_NAME_LENGTH) return name
  throw new ReprefixError('NAME_INVALID', `${quote(text)} is not the name of a TSIG key`)
}
