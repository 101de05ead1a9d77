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
