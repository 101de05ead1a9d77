import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  decodeMessages,
  encodeRequest,
  uint32,
} from '../../../../agent/adapters/netlink-message.ts'
import { ADDRESS, KIND, ROUTE } from '../../../../agent/adapters/rtnetlink.ts'
import { decodeAddresses, decodeRoutes } from '../../../../agent/adapters/rtnetlink-answers.ts'

const bytes = Buffer.from('20010db8000100000000000000000005', 'hex')

function messagesOf(type: number, body: Uint8Array, attributes: readonly Attribute[]) {
  return decodeMessages(encodeRequest({ type, flags: 0, body, attributes }, 1))
}
const addressBody = (length: number) => Buffer.from([10, length, 0x80, 0, 2, 0, 0, 0])
const routeBody = (length: number) => Buffer.from([10, length, 0, 0, 254, 9, 0, 1, 0, 0, 0, 0])

describe('an answer of the kernel', () => {
  it.each([0, 3, 4, 7])('with lifetimes of %i bytes says what it can', (length) => {
    const attributes: Attribute[] = [
      [ADDRESS.local, bytes],
      [ADDRESS.lifetimes, Buffer.alloc(length, 1)],
      [ADDRESS.flags, Buffer.alloc(length % 4)],
    ]
    const read = decodeAddresses(messagesOf(KIND.newAddress, addressBody(64), attributes))
    expect(read).toMatchObject([{ length: 64, valid: 0xffffffff }])
  })

  it('with numbers that are cut off says what it can', () => {
    const short = Buffer.from([1, 2])
    const attributes: Attribute[] = [
      [ROUTE.destination, bytes],
      [ROUTE.output, short],
      [ROUTE.table, short],
      [ROUTE.cacheInfo, short],
    ]
    const read = decodeRoutes(messagesOf(KIND.newRoute, routeBody(128), attributes), () => true)
    expect(read).toMatchObject([{ table: 254, expires: null, hops: [{ index: undefined }] }])
  })

  it('with a length that no prefix has is left out', () => {
    const address = messagesOf(KIND.newAddress, addressBody(129), [[ADDRESS.local, bytes]])
    expect(decodeAddresses(address)).toEqual([])
    const route = messagesOf(KIND.newRoute, routeBody(255), [[ROUTE.table, uint32(254)]])
    expect(decodeRoutes(route, () => true)).toEqual([])
  })
})
