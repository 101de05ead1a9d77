import { decode } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CLASS,
  decodeMessage,
  encodeQuery,
  encodeUpdate,
  encodeValue,
  marker,
  recordSize,
  TYPE,
} from '../../../../cloud/dns/dns-message.ts'
import { canonicalValues } from '../../../../shared/rrset.ts'

describe('messages', () => {
  it('are understood by another implementation', () => {
    const query = decode(Buffer.from(encodeQuery(7, '*.example.org', TYPE.TXT)))
    expect(query).toMatchObject({ id: 7, type: 'query', opcode: 'QUERY' })
    expect(query.questions).toMatchObject([{ name: '*.example.org', type: 'TXT', class: 'IN' }])
    const rdata = encodeValue('AAAA', '2001:db8::1')
    const add = {
      name: 'a.example.org',
      type: TYPE.AAAA,
      class: CLASS.IN,
      ttl: 3_000_000_000,
      rdata,
    }
    const update = decode(Buffer.from(encodeUpdate(8, 'example.org', [], [add])))
    expect(update).toMatchObject({ id: 8, opcode: 'UPDATE' })
    expect(update.questions).toMatchObject([{ name: 'example.org', type: 'SOA' }])
    expect(update.authorities).toMatchObject([
      { name: 'a.example.org', ttl: 3_000_000_000, data: '2001:db8::1' },
    ])
  })

  it('carry conditions and deletions without data (RFC 2136 §2.4 and §2.5)', () => {
    const bytes = encodeUpdate(
      1,
      'a',
      [marker('b', TYPE.A, CLASS.NONE)],
      [marker('c', TYPE.AAAA, CLASS.ANY)],
    )
    expect(Buffer.from(bytes).toString('hex')).toBe(
      [
        '000128000001000100010000',
        '016100' + '00060001',
        '016200' + '000100fe00000000' + '0000',
        '016300' + '001c00ff00000000' + '0000',
      ].join(''),
    )
  })

  it("say the zone's name once, and are as long as was reckoned", () => {
    const owners = ['example.org', 'www.example.org', 'a.b.example.org', 'otherexample.org', 'org']
    const records = owners.map((name) => {
      return { name, type: TYPE.A, class: CLASS.IN, ttl: 60, rdata: encodeValue('A', '192.0.2.1') }
    })
    const bytes = encodeUpdate(1, 'example.org', records, records)
    const { answers, authorities } = decode(Buffer.from(bytes))
    for (const list of [answers, authorities]) {
      expect(list?.map(({ name }) => name)).toEqual(owners)
    }
    const sizes = records.map((record) => recordSize(record, 'example.org'))
    expect(sizes.map((size) => size - 10 - 4)).toEqual([2, 6, 6, 18, 5])
    const total = 2 * sizes.reduce((sum, size) => sum + size, 0)
    expect(bytes.length).toBe(12 + 'example.org'.length + 2 + 4 + total)
    expect(Buffer.from(bytes).toString('latin1').split('example').length - 1).toBe(3)
  })

  it('keep every address and text through the wire', () => {
    const wire = (type: 'A' | 'AAAA' | 'TXT', value: string) => {
      const record = {
        name: 'a.test',
        type: TYPE[type],
        class: CLASS.IN,
        ttl: 1,
        rdata: encodeValue(type, value),
      }
      return decode(Buffer.from(encodeUpdate(1, 'test', [], [record]))).authorities?.[0]
    }
    fc.assert(
      fc.property(
        fc.ipV6(),
        fc.ipV4(),
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        (v6, v4, text) => {
          const [six = ''] = canonicalValues('AAAA', [v6])
          expect(canonicalValues('AAAA', [String(Object(wire('AAAA', six)).data)])).toEqual([six])
          expect(Object(wire('A', v4)).data).toBe(v4)
          expect(Buffer.concat([Object(wire('TXT', text)).data].flat()).toString()).toBe(text)
        },
      ),
    )
  })

  it('that cannot be decoded are protocol errors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeMessage(bytes)
        } catch (error) {
          expect(error).toMatchObject({ kind: 'protocol' })
        }
      }),
    )
  })
})
