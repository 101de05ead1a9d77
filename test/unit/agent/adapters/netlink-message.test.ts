import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  decodeAttributes,
  decodeMessages,
  encodeRequest,
  MESSAGE_FLAGS,
  uint32,
} from '../../../../agent/adapters/netlink-message.ts'
import { deleteAddress, setRoute } from '../../../../agent/adapters/rtnetlink-requests.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'

const bytes = (max: number) => fc.uint8Array({ maxLength: max })
const anyAttributes = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), bytes(40)), {
  selector: ([type]) => type,
})
const BODY_BYTES = 12

describe('netlink messages', () => {
  it('are read as they were written, several in a row, whatever is in them', () => {
    const anyRequest = fc.record({
      type: fc.integer({ min: 0, max: 0xffff }),
      flags: fc.constant(MESSAGE_FLAGS.dump),
      body: fc.uint8Array({ minLength: BODY_BYTES, maxLength: BODY_BYTES }),
      attributes: anyAttributes,
    })
    fc.assert(
      fc.property(fc.array(anyRequest, { maxLength: 4 }), (requests) => {
        const stream = Buffer.concat(
          requests.map((request, index) => encodeRequest(request, index)),
        )
        const read = decodeMessages(stream).map(({ type, sequence, payload }) => ({
          type,
          sequence,
          body: new Uint8Array(payload.subarray(0, BODY_BYTES)),
          attributes: [...decodeAttributes(payload.subarray(BODY_BYTES))].map(
            ([number, content]): Attribute => [number, new Uint8Array(content)],
          ),
        }))
        expect(read).toEqual(
          requests.map(({ type, body, attributes }, sequence) => ({
            ...{ type, sequence, body },
            attributes,
          })),
        )
      }),
    )
  })

  it('that are cut off or make no sense are left out, and never hang', () => {
    const whole = encodeRequest({ type: 1, flags: 0, body: uint32(7) }, 1)
    expect(decodeMessages(Buffer.concat([whole, whole.subarray(0, 18)]))).toHaveLength(1)
    fc.assert(
      fc.property(bytes(200), (noise) => {
        decodeMessages(Buffer.from(noise))
        decodeAttributes(Buffer.from(noise))
      }),
    )
  })

  // As iproute2 6.1.0 sends them, without its sequence numbers.
  it.each([
    [
      'route replace 2001:db8:2:2:1::/80 dev (7) proto 174',
      setRoute(parsePrefix('2001:db8:2:2:1::/80'), 7, 174),
      '3800000018000505 00000000 00000000 0a500000feae0001 00000000' +
        '1400010020010db8000200020001000000000000 0800040007000000',
    ],
    [
      'address del 2001:db8:1:1::4/64 dev (3)',
      deleteAddress(3, parseAddress('2001:db8:1:1::4'), 64),
      '4000000015000500 00000000 00000000 0a400000 03000000' +
        '1400020020010db8000100010000000000000004 1400010020010db8000100010000000000000004',
    ],
  ])('ask for %s', (_, request, hex) => {
    expect(encodeRequest(request, 0).toString('hex')).toBe(hex.replaceAll(' ', ''))
  })
})
