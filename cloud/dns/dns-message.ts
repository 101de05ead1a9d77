import { type DecodedPacket, decode } from 'dns-packet'
import { addressBytes, parseAddress } from '../../shared/ipv6.ts'
import type { RRType } from '../../shared/rrset.ts'
import { ProviderError } from '../domain/dns-provider.ts'

/** Record types by their wire number (RFC 1035 §3.2.2, RFC 3596). */
export const TYPE = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  TSIG: 250,
  AXFR: 252,
} as const
/** Classes by their wire number; NONE and ANY have a meaning of their own in updates (RFC 2136 §2.4). */
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const

/** One record of the prerequisite or update section. */
export interface WireRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly rdata: Uint8Array
}

const OPCODE_UPDATE = 5 << 11
const NO_DATA = new Uint8Array()
const MAX_TXT_PART = 255
/** Type, class, TTL and length of the data (RFC 1035 §3.2.1). */
const FIXED_BYTES = 10
const DOT = 46

/** A query for one RRset at an authoritative server. */
export function encodeQuery(id: number, name: string, type: number): Uint8Array {
  return concat([uint16(id, 0, 1, 0, 0, 0), encodeName(name), uint16(type, CLASS.IN)])
}

/**
 * An UPDATE message (RFC 2136 §2). dns-packet only decodes here: it cannot write class NONE, nor an
 * address record without data.
 */
export function encodeUpdate(
  id: number,
  zone: string,
  prerequisites: readonly WireRecord[],
  updates: readonly WireRecord[],
): Uint8Array {
  return concat([
    uint16(id, OPCODE_UPDATE, 1, prerequisites.length, updates.length, 0),
    encodeName(zone),
    uint16(TYPE.SOA, CLASS.IN),
    ...[...prerequisites, ...updates].map(encodeRecord),
  ])
}

/** A record in wire form, names uncompressed. */
export function encodeRecord(record: WireRecord): Uint8Array {
  const { name, type, ttl, rdata } = record
  const bytes = new Uint8Array(recordSize(record))
  const offset = writeName(bytes, name)
  const view = new DataView(bytes.buffer)
  view.setUint16(offset, type)
  view.setUint16(offset + 2, record.class)
  view.setUint32(offset + 4, ttl)
  view.setUint16(offset + 8, rdata.length)
  bytes.set(rdata, offset + FIXED_BYTES)
  return bytes
}

/** How many bytes `encodeRecord` takes. */
export function recordSize({ name, rdata }: Pick<WireRecord, 'name' | 'rdata'>): number {
  return nameSize(name) + FIXED_BYTES + rdata.length
}

/** A record without data, whose class gives it a meaning (RFC 2136 §2.4 and §2.5). */
export function marker(name: string, type: number, recordClass: number): WireRecord {
  return { name, type, class: recordClass, ttl: 0, rdata: NO_DATA }
}

/** A name in wire form; every part of reprefix has checked it before. */
export function encodeName(name: string): Uint8Array {
  const bytes = new Uint8Array(nameSize(name))
  writeName(bytes, name)
  return bytes
}

/** A length before each label takes the place of the dots; the root's ends the name. */
function nameSize(name: string): number {
  return name === '' ? 1 : name.length + 2
}

/** Writes a name to the beginning of `bytes`; returns where it ends. */
function writeName(bytes: Uint8Array, name: string): number {
  if (name === '') return 1
  let start = 0
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code === DOT) {
      bytes[start] = i - start
      start = i + 1
    } else bytes[i + 1] = code
  }
  bytes[start] = name.length - start
  return name.length + 2
}

/** The data of a canonical value. TXT is cut into parts of 255 bytes (RFC 1035 §3.3.14). */
export function encodeValue(type: RRType, value: string): Uint8Array {
  if (type === 'A') return Uint8Array.from(value.split('.').map(Number))
  if (type === 'AAAA') return addressBytes(parseAddress(value))
  const bytes = new TextEncoder().encode(value)
  const parts: Uint8Array[] = []
  for (let start = 0; start === 0 || start < bytes.length; start += MAX_TXT_PART) {
    parts.push(bytes.subarray(start, start + MAX_TXT_PART))
  }
  return encodeTxtParts(parts)
}

/** TXT data from its parts as they are. */
export function encodeTxtParts(parts: readonly Uint8Array[]): Uint8Array {
  return concat(parts.flatMap((part) => [Uint8Array.of(part.length), part]))
}

/** Decodes a server's answer. Untrusted. @throws ProviderError protocol */
export function decodeMessage(bytes: Uint8Array): DecodedPacket {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch (cause) {
    throw new ProviderError('protocol', 'the DNS server sent a message that cannot be decoded', {
      cause,
    })
  }
}

/** The response code of the header, extended codes not included. */
export function rcodeOf(bytes: Uint8Array): number {
  return (bytes[3] ?? 0) & 0x0f
}

/** Numbers as unsigned 16 bit, network order. */
export function uint16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [(value >>> 8) & 0xff, value & 0xff]))
}

/** Byte strings joined. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
