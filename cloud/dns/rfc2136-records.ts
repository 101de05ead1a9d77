import type { Answer, DecodedPacket } from 'dns-packet'
import {
  canonicalValues,
  type Fqdn,
  type RRKey,
  type RRset,
  type RRType,
} from '../../shared/rrset.ts'
import { CLASS, encodeTxtParts, encodeValue, marker, TYPE, type WireRecord } from './dns-message.ts'
import type { ObservedEdit } from './read-diff-write.ts'

/** A record as the server has it: its canonical value and its exact data. */
export interface FoundRecord {
  readonly value: string
  readonly rdata: Uint8Array
}

/** What an answer holds for one key. */
export interface FoundRRset {
  readonly set: RRset | null
  readonly records: readonly FoundRecord[]
  /** True when the name is an alias, which leaves no room for other records (RFC 1034 §3.6.2). */
  readonly isAlias: boolean
}

/** Reads the RRset of one key out of a decoded answer; records of other names are passed over. */
export function readAnswer(
  { answers = [] }: Pick<DecodedPacket, 'answers'>,
  { name, type }: RRKey,
): FoundRRset {
  const own = answers.filter((answer) => ownerOf(answer) === name)
  const found = own.flatMap((answer) => {
    const record = recordOf(answer, type)
    return record === undefined ? [] : [{ record, ttl: 'ttl' in answer ? (answer.ttl ?? 0) : 0 }]
  })
  const records = found.map(({ record }) => record)
  // Each is canonical by itself already.
  const values = [...new Set(records.map(({ value }) => value))].sort()
  const ttl = Math.min(...found.map((one) => one.ttl))
  return {
    set: records.length === 0 ? null : { name, type, ttl, values },
    records,
    isAlias: own.some((answer) => answer.type === 'CNAME'),
  }
}

/** The zone that an answer to an SOA query is about, if it says so. */
export function readZoneName(packet: DecodedPacket): string | undefined {
  const records = [...(packet.answers ?? []), ...(packet.authorities ?? [])]
  const soa = records.find((record) => record.type === 'SOA')
  return soa === undefined ? undefined : ownerOf(soa)
}

/** The condition that the RRset is as it was found (RFC 2136 §2.4.2 and §2.4.3). */
export function prerequisitesOf(edit: ObservedEdit<readonly FoundRecord[]>): WireRecord[] {
  const { name, type } = edit.change
  if (edit.before === null) return [marker(name, TYPE[type], CLASS.NONE)]
  return edit.detail.map(({ rdata }) => ({
    name,
    type: TYPE[type],
    class: CLASS.IN,
    ttl: 0,
    rdata,
  }))
}

/** The condition that some RRset of the type exists (RFC 2136 §2.4.1), wildcards not counted. */
export function existenceOf(name: Fqdn, type: number): WireRecord {
  return marker(name, type, CLASS.ANY)
}

/**
 * The update of one RRset: additions first, then each record that goes (RFC 2136 §2.5). For a new
 * TTL the set goes and comes back in the same message, which takes effect as a whole (§3.7): a
 * record that is added again with another TTL replaces the old one by §3.4.2.2, but not at Knot.
 */
export function updatesOf(edit: ObservedEdit<readonly FoundRecord[]>): WireRecord[] {
  const { name, type } = edit.change
  const code = TYPE[type]
  if (edit.after === null) return [marker(name, code, CLASS.ANY)]
  const { ttl, values } = edit.after
  const add = (value: string): WireRecord => {
    return { name, type: code, class: CLASS.IN, ttl, rdata: rdataOf(edit, type, value) }
  }
  if (edit.isRetimed) return [marker(name, code, CLASS.ANY), ...values.map(add)]
  const gone = edit.detail.filter(({ value }) => edit.removes.includes(value))
  return [
    ...edit.adds.map(add),
    ...gone.map(({ rdata }) => ({ name, type: code, class: CLASS.NONE, ttl: 0, rdata })),
  ]
}

/** A value that stays keeps its exact data: TXT has many forms for one string. */
function rdataOf(
  { detail }: ObservedEdit<readonly FoundRecord[]>,
  type: RRType,
  value: string,
): Uint8Array {
  return detail.find((record) => record.value === value)?.rdata ?? encodeValue(type, value)
}

function recordOf(answer: Answer, type: RRType): FoundRecord | undefined {
  if (answer.type !== type) return undefined
  if (answer.type === 'TXT') {
    const parts = [answer.data]
      .flat()
      .map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
    return { value: Buffer.concat(parts).toString('utf8'), rdata: encodeTxtParts(parts) }
  }
  if (answer.type !== 'A' && answer.type !== 'AAAA') return undefined
  const value = canonicalValues(answer.type, [answer.data])[0] ?? ''
  return { value, rdata: encodeValue(answer.type, value) }
}

function ownerOf(answer: { readonly name: string }): string {
  return answer.name.toLowerCase()
}
