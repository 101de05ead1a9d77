import { ProviderError } from '../domain/dns-provider.ts'
import { CLASS, concat, encodeName, encodeRecord, TYPE, uint16 } from './dns-message.ts'
import type { TsigKey } from './rfc2136-settings.ts'

/** A signed request: what to send, and its MAC, which the answer's MAC covers. */
export interface SignedMessage {
  readonly bytes: Uint8Array
  readonly mac: Uint8Array
}

/** TSIG error codes (RFC 8945 §3). */
export const TSIG_ERROR = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const

/** What an answer says about its signature. */
export interface TsigVerdict {
  /** True when the MAC was checked and is right. */
  readonly isSigned: boolean
  /** TSIG error code, 0 for none. */
  readonly error: number
  /** The server's clock, in an answer with BADTIME. */
  readonly serverTime?: Date
}

/** The fields of a TSIG record (RFC 8945 §4.2). */
export interface TsigRecord {
  readonly keyName: string
  readonly algorithm: string
  readonly time: number
  readonly fudge: number
  readonly mac: Uint8Array
  readonly originalId: number
  readonly error: number
  readonly other: Uint8Array
}

const FUDGE_SECONDS = 300
const HASHES = {
  'hmac-sha256': 'SHA-256',
  'hmac-sha384': 'SHA-384',
  'hmac-sha512': 'SHA-512',
} as const
const HEADER_BYTES = 12
const ARCOUNT_OFFSET = 10

/** Signs a message and appends the TSIG record (RFC 8945 §5.1). */
export async function signMessage(
  message: Uint8Array,
  key: TsigKey,
  now: Date,
): Promise<SignedMessage> {
  const time = Math.floor(now.getTime() / 1000)
  const record = {
    keyName: key.name,
    algorithm: key.algorithm,
    time,
    fudge: FUDGE_SECONDS,
    originalId: readUint16(message, 0),
    error: 0,
    other: new Uint8Array(),
  }
  const hmac = await importKey(key)
  const signed = await crypto.subtle.sign('HMAC', hmac, concat([message, variables(record)]))
  const mac = new Uint8Array(signed)
  const bytes = concat([message, encodeTsig({ ...record, mac })])
  bytes.set(uint16(readUint16(message, ARCOUNT_OFFSET) + 1), ARCOUNT_OFFSET)
  return { bytes, mac }
}

/**
 * Checks an answer's TSIG against the request's (RFC 8945 §5.3). An answer without TSIG, or with
 * one that has no MAC, is not signed: only its complaint may be believed.
 * @throws ProviderError auth for a wrong signature, protocol for a malformed message
 */
export async function verifyMessage(
  answer: Uint8Array,
  requestMac: Uint8Array,
  key: TsigKey,
  now: Date,
): Promise<TsigVerdict> {
  const { message, record } = splitTsig(answer)
  if (record === undefined) return { isSigned: false, error: 0 }
  const { error, other } = record
  const verdict = {
    error,
    ...(error === TSIG_ERROR.BADTIME && other.length === 6
      ? { serverTime: new Date(readUint48(other, 0) * 1000) }
      : {}),
  }
  if (record.mac.length === 0) return { isSigned: false, ...verdict }
  if (record.keyName !== key.name || record.algorithm !== key.algorithm) {
    throw new ProviderError('auth', 'the DNS server signed its answer with another key')
  }
  const input = concat([uint16(requestMac.length), requestMac, message, variables(record)])
  if (!(await crypto.subtle.verify('HMAC', await importKey(key), record.mac, input))) {
    throw new ProviderError(
      'auth',
      `the DNS server's answer has a wrong signature: check the secret of the key ${key.name}`,
    )
  }
  const skew = Math.abs(record.time - now.getTime() / 1000)
  if (error === 0 && skew > record.fudge) {
    throw new ProviderError(
      'auth',
      `the DNS server's clock and this machine's are ${Math.round(skew)} s apart: set them right`,
    )
  }
  return { isSigned: true, ...verdict }
}

/** The key as Web Crypto takes it. */
export function importKey(key: TsigKey) {
  const algorithm = { name: 'HMAC', hash: HASHES[key.algorithm] }
  return crypto.subtle.importKey('raw', key.secret, algorithm, false, ['sign', 'verify'])
}

/** The fields of the TSIG record that the MAC covers (RFC 8945 §4.3.3). */
function variables(record: Omit<TsigRecord, 'mac' | 'originalId'>): Uint8Array {
  return concat([
    encodeName(record.keyName),
    uint16(CLASS.ANY, 0, 0),
    encodeName(record.algorithm),
    uint48(record.time),
    uint16(record.fudge, record.error, record.other.length),
    record.other,
  ])
}

function encodeTsig(record: TsigRecord): Uint8Array {
  const rdata = concat([
    encodeName(record.algorithm),
    uint48(record.time),
    uint16(record.fudge, record.mac.length),
    record.mac,
    uint16(record.originalId, record.error, record.other.length),
    record.other,
  ])
  return encodeRecord({ name: record.keyName, type: TYPE.TSIG, class: CLASS.ANY, ttl: 0, rdata })
}

/** Takes the TSIG record off and restores the message that was signed. @throws ProviderError protocol */
export function splitTsig(answer: Uint8Array): { message: Uint8Array; record?: TsigRecord } {
  try {
    const last = lastRecord(answer)
    if (last === undefined || last.type !== TYPE.TSIG) return { message: answer }
    const record = decodeTsig(answer, last.start)
    const message = answer.slice(0, last.start)
    message.set(uint16(record.originalId), 0)
    message.set(uint16(readUint16(answer, ARCOUNT_OFFSET) - 1), ARCOUNT_OFFSET)
    return { message, record }
  } catch (cause) {
    if (cause instanceof ProviderError) throw cause
    throw new ProviderError('protocol', 'the DNS server sent a malformed message', { cause })
  }
}

/** Where the last additional record begins. */
function lastRecord(bytes: Uint8Array): { start: number; type: number } | undefined {
  const [questions, ...sections] = [4, 6, 8, 10].map((offset) => readUint16(bytes, offset))
  let offset = HEADER_BYTES
  for (let i = 0; i < (questions ?? 0); i += 1) offset = skipName(bytes, offset) + 4
  let last: { start: number; type: number } | undefined
  for (let i = sections.reduce((sum, count) => sum + count, 0); i > 0; i -= 1) {
    const afterName = skipName(bytes, offset)
    last = { start: offset, type: readUint16(bytes, afterName) }
    offset = afterName + 10 + readUint16(bytes, afterName + 8)
  }
  return sections.at(-1) === 0 ? undefined : last
}

/** Class, TTL and lengths are not under the MAC as sent, so they have to be exactly as specified. */
function decodeTsig(bytes: Uint8Array, start: number): TsigRecord {
  const keyName = readName(bytes, start)
  const fields = skipName(bytes, start)
  const algorithm = readName(bytes, fields + 10)
  const offset = skipName(bytes, fields + 10)
  const afterMac = offset + 10 + readUint16(bytes, offset + 8)
  const end = afterMac + 6 + readUint16(bytes, afterMac + 4)
  const isExact =
    readUint16(bytes, fields + 2) === CLASS.ANY &&
    readUint16(bytes, fields + 4) + readUint16(bytes, fields + 6) === 0 &&
    readUint16(bytes, fields + 8) === end - fields - 10 &&
    end === bytes.length
  if (!isExact) {
    throw new ProviderError('protocol', 'the DNS server sent a malformed TSIG record')
  }
  return {
    keyName,
    algorithm,
    time: readUint48(bytes, offset),
    fudge: readUint16(bytes, offset + 6),
    mac: bytes.slice(offset + 10, afterMac),
    originalId: readUint16(bytes, afterMac),
    error: readUint16(bytes, afterMac + 2),
    other: bytes.slice(afterMac + 6, end),
  }
}

function readName(bytes: Uint8Array, start: number): string {
  const labels: string[] = []
  let offset = start
  for (let jumps = 0; jumps < 128; jumps += 1) {
    const length = readByte(bytes, offset)
    if (length === 0) return labels.join('.').toLowerCase()
    if (length >= 0xc0) {
      offset = readUint16(bytes, offset) - 0xc000
    } else {
      labels.push(String.fromCharCode(...bytes.slice(offset + 1, offset + 1 + length)))
      offset += 1 + length
    }
  }
  throw new ProviderError('protocol', 'the DNS server sent a name that never ends')
}

function skipName(bytes: Uint8Array, start: number): number {
  let offset = start
  for (;;) {
    const length = readByte(bytes, offset)
    if (length >= 0xc0) return offset + 2
    offset += 1 + length
    if (length === 0) return offset
  }
}

function readByte(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset]
  if (byte === undefined)
    throw new ProviderError('protocol', 'the DNS server cut its message short')
  return byte
}

function readUint16(bytes: Uint8Array, offset: number): number {
  return readByte(bytes, offset) * 256 + readByte(bytes, offset + 1)
}

function readUint48(bytes: Uint8Array, offset: number): number {
  return (
    readUint16(bytes, offset) * 2 ** 32 +
    readUint16(bytes, offset + 2) * 2 ** 16 +
    readUint16(bytes, offset + 4)
  )
}

/** A number as unsigned 48 bit, network order. */
export function uint48(value: number): Uint8Array {
  return uint16(Math.floor(value / 2 ** 32), Math.floor(value / 2 ** 16) % 2 ** 16, value % 2 ** 16)
}
