import { type DecodedPacket, decode } from 'dns-packet'
import { type Address, addressBytes } from '../../shared/ipv6.ts'
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
const HEADER_BYTES = 12
/** The mark of a pointer, which takes the place of a length. */
const POINTER = 0xc000

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
  const records = [...prerequisites, ...updates]
  const head = HEADER_BYTES + nameSize(zone) + 4
  const size = records.reduce((sum, record) => sum + recordSize(record, zone), head)
  const bytes = new Uint8Array(size)
  bytes.set(uint16(id, OPCODE_UPDATE, 1, prerequisites.length, updates.length, 0))
  const end = writeName(bytes, HEADER_BYTES, zone)
  bytes.set(uint16(TYPE.SOA, CLASS.IN), end)
  let offset = head
  for (const record of records) offset = writeRecord(bytes, offset, record, zone)
  return bytes
}

/** A record in wire form, its name uncompressed. */
export function encodeRecord(record: WireRecord): Uint8Array {
  const bytes = new Uint8Array(recordSize(record))
  writeRecord(bytes, 0, record)
  return bytes
}

/** How many bytes a record takes by itself, or in an UPDATE of that zone. */
export function recordSize(
  { name, rdata }: Pick<WireRecord, 'name' | 'rdata'>,
  zone?: string,
): number {
  const owner = zone === undefined ? nameSize(name) : compressedSize(name, zone)
  return owner + FIXED_BYTES + rdata.length
}

/** Writes a record, with a pointer instead of the zone's name where it is one's own; returns the end. */
function writeRecord(bytes: Uint8Array, start: number, record: WireRecord, zone?: string): number {
  const { name, type, ttl, rdata } = record
  const offset =
    zone === undefined ? writeName(bytes, start, name) : writeCompressed(bytes, start, name, zone)
  writeUint16(bytes, offset, type)
  writeUint16(bytes, offset + 2, record.class)
  writeUint16(bytes, offset + 4, Math.floor(ttl / 0x10000))
  writeUint16(bytes, offset + 6, ttl % 0x10000)
  writeUint16(bytes, offset + 8, rdata.length)
  bytes.set(rdata, offset + FIXED_BYTES)
  return offset + FIXED_BYTES + rdata.length
}

function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8
  bytes[offset + 1] = value & 0xff
}

/** A record without data, whose class gives it a meaning (RFC 2136 §2.4 and §2.5). */
export function marker(name: string, type: number, recordClass: number): WireRecord {
  return { name, type, class: recordClass, ttl: 0, rdata: NO_DATA }
}

/** A name in wire form; every part of reprefix has checked it before. */
export function encodeName(name: string): Uint8Array {
  const bytes = new Uint8Array(nameSize(name))
  writeName(bytes, 0, name)
  return bytes
}

/** A length before each label takes the place of the dots; the root's ends the name. */
function nameSize(name: string): number {
  return name === '' ? 1 : name.length + 2
}

/** Writes a name to `bytes`, which are zero there; returns where it ends. */
function writeName(bytes: Uint8Array, start: number, name: string): number {
  return name === '' ? start + 1 : writeLabels(bytes, start, name) + 1
}

/** Writes labels without the root's; returns where they end. */
function writeLabels(bytes: Uint8Array, start: number, labels: string): number {
  let length = start
  for (let i = 0; i < labels.length; i++) {
    const code = labels.charCodeAt(i)
    const position = start + 1 + i
    if (code === DOT) {
      bytes[length] = position - length - 1
      length = position
    } else bytes[position] = code
  }
  const end = start + 1 + labels.length
  bytes[length] = end - length - 1
  return end
}

/**
 * The zone's own name follows the header of an UPDATE, and every owner ends in it: two bytes say so
 * (RFC 1035 §4.1.4). That saves a message in three, and a server much decoding.
 */
function writeCompressed(bytes: Uint8Array, start: number, name: string, zone: string): number {
  if (!isBelow(name, zone)) return writeName(bytes, start, name)
  const labels = name.slice(0, -zone.length - 1)
  const end = labels === '' ? start : writeLabels(bytes, start, labels)
  writeUint16(bytes, end, POINTER | HEADER_BYTES)
  return end + 2
}

function compressedSize(name: string, zone: string): number {
  if (!isBelow(name, zone)) return nameSize(name)
  return Math.max(0, name.length - zone.length) + 2
}

function isBelow(name: string, zone: string): boolean {
  return zone !== '' && (name === zone || name.endsWith(`.${zone}`))
}

/** The data of a canonical value. TXT is cut into parts of 255 bytes (RFC 1035 §3.3.14). */
export function encodeValue(type: RRType, value: string): Uint8Array {
  if (type === 'A') return Uint8Array.from(value.split('.').map(Number))
  if (type === 'AAAA') return addressBytes(value as Address)
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
