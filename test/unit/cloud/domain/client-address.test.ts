import { describe, expect, it } from 'vitest'
import {
  findClient,
  parseAddressRange,
  parseClientAddress,
} from '../../../../cloud/domain/client-address.ts'

describe('parseClientAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:443', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['[::ffff:255.255.255.255]:1', '255.255.255.255'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:DB8:0::1]:65535', '2001:db8::1'],
    [' 2001:db8::1 ', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%eth0]:80', 'fe80::1'],
  ])('reads %s', (text, address) => {
    expect(parseClientAddress(text)?.address).toBe(address)
  })

  it.each([
    '',
    'unknown',
    '_hidden',
    '192.0.2.256',
    '192.0.2.1:',
    '192.0.2.1:123456',
    '192.0.02.1',
    '[192.0.2.1',
    '2001:db8::1]:80',
    '[]:80',
    'for=192.0.2.1',
  ])('takes %j for no address', (text) => {
    expect(parseClientAddress(text)).toBeUndefined()
  })
})

describe('findClient', () => {
  const trusted = ['127.0.0.1', '10.0.0.0/8', '2001:db8:f::/48'].map(parseAddressRange)
  const from = (peer: string | undefined, header?: string) =>
    findClient(peer, header, trusted)?.address

  it.each([
    ['no-proxy/peer', '203.0.113.9', undefined, '203.0.113.9'],
    ['untrusted-peer/header-counts-for-nothing', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['one-proxy/what-it-saw', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['one-proxy-mapped/what-it-saw', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['forged-before-the-proxy/last-one', '127.0.0.1', '2001:db8::1, 203.0.113.9', '203.0.113.9'],
    ['two-proxies/behind-both', '127.0.0.1', '2001:db8::7, 10.1.2.3', '2001:db8::7'],
    [
      'two-proxies-forged/behind-both',
      '127.0.0.1',
      '::1, [2001:db8::7]:5, 10.1.2.3',
      '2001:db8::7',
    ],
    ['ipv6-proxy/what-it-saw', '2001:db8:f::1', '2001:db8::7', '2001:db8::7'],
    ['only-proxies/the-first', '127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['proxy-says-nothing/the-proxy', '127.0.0.1', undefined, '127.0.0.1'],
    ['proxy-says-unknown/nobody', '127.0.0.1', '203.0.113.9, unknown', undefined],
    ['no-peer/nobody', undefined, '203.0.113.9', undefined],
  ])('%s', (_, peer, header, expected) => {
    expect(from(peer, header)).toBe(expected)
  })
})

describe('parseAddressRange', () => {
  it.each([
    ['192.0.2.1', '::ffff:c000:201/128'],
    ['10.0.0.0/8', '::ffff:a00:0/104'],
    ['::1', '::1/128'],
    ['2001:db8::/32', '2001:db8::/32'],
  ])('reads %s', (text, range) => {
    expect(parseAddressRange(text)).toBe(range)
  })

  it.each(['10.0.0.1/8', '10.0.0.0/33', 'localhost', '', '2001:db8::1/32'])(
    'refuses %j',
    (text) => {
      expect(() => parseAddressRange(text)).toThrow(/is not|did you mean/)
    },
  )
})
