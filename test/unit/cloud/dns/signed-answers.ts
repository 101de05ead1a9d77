import { createHmac } from 'node:crypto'
import type { TsigKey } from '../../../../cloud/dns/rfc2136-settings.ts'

export const now = new Date('2026-03-01T12:00:00Z')
export const tsigKey: TsigKey = {
  name: 'ddns',
  algorithm: 'hmac-sha256',
  secret: Uint8Array.from({ length: 32 }, (_, i) => i),
}

/** How an answer differs from a plain NOERROR, rightly signed. */
export interface AnswerOptions {
  readonly rcode?: number
  readonly error?: number
  readonly keyName?: string
  readonly algorithm?: string
  readonly macLength?: number
  readonly time?: Date
  readonly serverTime?: Date
  readonly isAuthoritative?: boolean
  /** A later message of a transfer: what came since the last signed one, whose MAC is `requestMac`. */
  readonly follows?: readonly Uint8Array[]
  /** Records of the answer section in wire form. */
  readonly answers?: readonly Uint8Array[]
}

const wireName = (name: string) =>
  Buffer.concat([
    ...name.split('.').map((l) => Buffer.from([l.length, ...Buffer.from(l)])),
    Buffer.of(0),
  ])
const wireTime = (date: Date) => {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(Math.floor(date.getTime() / 1000), 0, 6)
  return bytes
}
const number = (...values: number[]) => Buffer.from(values.flatMap((n) => [n >> 8, n & 255]))

/** The answer of a server to a signed request without its TSIG record, made with Node's own HMAC. */
export function answerTo(
  request: Uint8Array,
  requestMac: Uint8Array,
  options: AnswerOptions,
): Uint8Array {
  const {
    rcode = 0,
    error = 0,
    keyName = 'ddns',
    algorithm = 'hmac-sha256',
    macLength = 32,
  } = options
  const answers = options.answers ?? []
  const questionEnd = request.indexOf(0, 12) + 5
  const flags =
    0x8000 | ((request[2] ?? 0) << 8) | (options.isAuthoritative === false ? 0 : 0x0400) | rcode
  const message = Buffer.concat([
    request.slice(0, 2),
    number(flags, 1, answers.length, 0, 0),
    request.slice(12, questionEnd),
    ...answers,
  ])
  const other = options.serverTime === undefined ? Buffer.alloc(0) : wireTime(options.serverTime)
  const time = wireTime(options.time ?? now)
  const names = [wireName(keyName), number(255, 0, 0), wireName(algorithm)]
  const variables =
    options.follows === undefined
      ? [...names, time, number(300, error, other.length), other]
      : [time, number(300)]
  const mac = createHmac('sha256', tsigKey.secret)
    .update(Buffer.concat([number(requestMac.length), requestMac, ...(options.follows ?? [])]))
    .update(Buffer.concat([message, ...variables]))
    .digest()
    .subarray(0, macLength)
  const rdata = Buffer.concat([
    wireName(algorithm),
    time,
    number(300, mac.length),
    mac,
    request.slice(0, 2),
    number(error, other.length),
    other,
  ])
  message.writeUInt16BE(1, 10)
  return Uint8Array.from(
    Buffer.concat([message, wireName(keyName), number(250, 255, 0, 0, rdata.length), rdata]),
  )
}
