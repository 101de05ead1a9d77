import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  countRouters,
  parseAddresses,
  parseDelegatedRoutes,
} from '../../../../agent/domain/ip-json.ts'

function fixture(name: string): string {
  return readFileSync(
    new URL(`../../../fixtures/ip/ip-6.1.0-${name}.json`, import.meta.url),
    'utf8',
  )
}

function addresses(name: string) {
  return parseAddresses(fixture(`${name}.addr`), 'eth0')
}

describe('parseAddresses', () => {
  it('reads a SLAAC address and leaves the link-local one out', () => {
    expect(addresses('initial')).toEqual([
      {
        address: '2001:db8:1:1:0:5eff:fe00:5301',
        length: 64,
        preferredSeconds: 14398,
        validSeconds: 86398,
        isTemporary: false,
        isDeprecated: false,
        isTentative: false,
        isDadFailed: false,
        isDynamic: true,
        isLearnt: true,
      },
    ])
  })

  it.each(['initial', 'flash', 'flash-temp', 'graceful', 'stable-privacy', 'temp-graceful'])(
    'knows the addresses of %s as made by the kernel',
    (name) => {
      for (const { isLearnt } of addresses(name)) expect(isLearnt).toBe(true)
    },
  )

  it.each([
    [
      'graceful',
      ['2001:db8:2:2:0:5eff:fe00:5301 dynamic', '2001:db8:1:1:0:5eff:fe00:5301 deprecated dynamic'],
    ],
    ['flash', ['2001:db8:2:2:0:5eff:fe00:5301 dynamic', '2001:db8:1:1:0:5eff:fe00:5301 dynamic']],
    ['dadfailed', ['2001:db8:1:1:0:5eff:fe00:5301 deprecated dynamic']],
    ['ula', ['2001:db8:1:1:0:5eff:fe00:5301 dynamic', 'fd00:1:2:3:0:5eff:fe00:5301 dynamic']],
    [
      'tentative',
      [
        '2001:db8:2:2:0:5eff:fe00:5301 tentative dynamic',
        '2001:db8:1:1:0:5eff:fe00:5301 deprecated dynamic',
      ],
    ],
    ['zero-prefix', ['2001:db8::5eff:fe00:5301 dynamic']],
    ['expiry-gone', []],
  ])('reads the flags of %s', (name, expected) => {
    const seen = addresses(name).map((state) =>
      [
        state.address,
        ...(state.isTemporary ? ['temporary'] : []),
        ...(state.isDeprecated ? ['deprecated'] : []),
        ...(state.isTentative ? ['tentative'] : []),
        ...(state.isDadFailed ? ['dadfailed'] : []),
        ...(state.isDynamic ? ['dynamic'] : []),
      ].join(' '),
    )
    expect(seen).toEqual(expected)
  })

  it('marks temporary addresses', () => {
    const temporary = addresses('flash-temp').filter(({ isTemporary }) => isTemporary)
    expect(temporary).toHaveLength(5)
  })

  it('reads an infinite lifetime as null and an address without flags as static', () => {
    const json = JSON.stringify([
      {
        ifname: 'eth0',
        addr_info: [
          { family: 'inet', local: '192.0.2.1', prefixlen: 24, scope: 'global' },
          {
            family: 'inet6',
            local: '2001:DB8:0::1',
            prefixlen: 64,
            scope: 'global',
            protocol: 'kernel_ra',
            valid_life_time: 4294967295,
            preferred_life_time: 4294967295,
          },
        ],
      },
    ])
    const found = parseAddresses(json, 'eth0')
    expect(found).toMatchObject([
      { address: '2001:db8::1', validSeconds: null, preferredSeconds: null, isDynamic: false },
    ])
    expect(found[0]).not.toHaveProperty('isLearnt')
  })

  it.each([
    ['nothing at all', ''],
    ['an empty list', '[]'],
    ['an empty object for an interface that was filtered out', '[{},{}]'],
    ['another interface', '[{"ifname":"wlan0","addr_info":[]}]'],
  ])('finds no address in %s', (_, json) => {
    expect(parseAddresses(json, 'eth0')).toEqual([])
  })

  it.each([
    ['cut off', fixture('initial.addr').slice(0, 300)],
    ['plain text', 'Device "eth0" does not exist.'],
    ['an object', '{}'],
    [
      'a lifetime in words',
      '[{"ifname":"eth0","addr_info":[{"family":"inet6","local":"2001:db8::1","valid_life_time":"forever"}]}]',
    ],
    [
      'a negative lifetime',
      '[{"ifname":"eth0","addr_info":[{"family":"inet6","local":"2001:db8::1","valid_life_time":-1}]}]',
    ],
    ['no address', '[{"ifname":"eth0","addr_info":[{"family":"inet6"}]}]'],
    [
      'an address with a zone',
      '[{"ifname":"eth0","addr_info":[{"family":"inet6","local":"fe80::1%eth0"}]}]',
    ],
  ])('refuses output that is %s', (_, json) => {
    expect(() => parseAddresses(json, 'eth0')).toThrow(
      expect.objectContaining({ code: 'IP_OUTPUT_INVALID' }),
    )
  })
})

describe('countRouters', () => {
  it.each([
    ['initial', 1],
    ['flash', 1],
    ['expiry-gone', 0],
    ['lifetime0', 0],
  ])('counts the routers of %s', (name, routers) => {
    expect(countRouters(fixture(`${name}.route`), 'eth0')).toBe(routers)
  })

  it('counts distinct routers of one interface, also as hops of one route', () => {
    const json = JSON.stringify([
      { dst: 'default', gateway: 'fe80::1', dev: 'eth0', protocol: 'ra' },
      { dst: 'default', gateway: 'fe80::1', dev: 'eth0', protocol: 'ra', metric: 2048 },
      {
        dst: 'default',
        protocol: 'ra',
        nexthops: [
          { gateway: 'fe80::2', dev: 'eth0' },
          { gateway: 'fe80::3', dev: 'eth0' },
        ],
      },
      { dst: 'default', gateway: 'fe80::4', dev: 'wlan0', protocol: 'ra' },
      { dst: 'default', gateway: 'fe80::5', dev: 'eth0', protocol: 'static' },
      { dst: '2001:db8::/64', dev: 'eth0', protocol: 'ra' },
    ])
    expect(countRouters(json, 'eth0')).toBe(3)
    expect(countRouters(json)).toBe(4)
  })

  it('refuses output that is not a list of routes', () => {
    expect(() => countRouters('[{"gateway":"fe80::1"}]')).toThrow(
      expect.objectContaining({ code: 'IP_OUTPUT_INVALID' }),
    )
  })
})

describe('parseDelegatedRoutes', () => {
  it('names the command whose output it cannot read', () => {
    const json = JSON.stringify([{ type: 'unreachable', dst: '2001:db8:x::/56' }])
    expect(() => parseDelegatedRoutes(json)).toThrow(
      expect.objectContaining({
        code: 'IP_OUTPUT_INVALID',
        message: expect.stringMatching(/"ip -6 -json route".*is not a prefix/),
      }),
    )
  })
})
