import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aged, parseDelegations } from '../../../../agent/domain/delegation.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import { parseDelegatedRoutes } from '../../../../agent/domain/ip-json.ts'
import type { Delegation, Intent } from '../../../../agent/domain/model.ts'
import { type Numbering, UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import { passUplinks } from '../../../../agent/domain/uplink-pass.ts'
import {
  addressBits,
  addressFromBits,
  contains,
  networkOf,
  type Prefix,
  parsePrefix,
  parseSuffix,
} from '../../../../shared/ipv6.ts'
import { attachment, container, INTENT, NOW, observed, uplink } from './host-simulator.ts'

const P1 = parsePrefix('2001:db8:7:700::/56')
const P2 = parsePrefix('2001:db8:8:800::/56')
const WIDE: Intent = {
  ...INTENT,
  prefixLength: 56,
  source: 'route',
  networks: { web: parseSuffix('0:0:0:12::/64') },
}

const forever = (prefix: Prefix): Delegation => ({
  prefix,
  preferredSeconds: null,
  validSeconds: null,
})
const lasting = (prefix: Prefix, preferredSeconds: number, validSeconds: number) => ({
  prefix,
  preferredSeconds,
  validSeconds,
})

/** An agent over delegations; gives what it decided. */
function createDelegated(intent = WIDE) {
  let numbering: Numbering = UNNUMBERED
  return {
    pass: (seconds: number, delegations: readonly Delegation[]) => {
      const host = observed({ uplinks: [uplink([], { routers: 2, delegations })] })
      const { main } = passUplinks(
        { uplinks: { eth0: numbering } },
        host,
        intent,
        NOW + seconds * 1000,
      )
      numbering = main.numbering
      return main
    },
    fault: (seconds: number) => {
      const host = observed({ uplinks: [uplink([], { unknown: 'the file is gone' })] })
      const { main } = passUplinks(
        { uplinks: { eth0: numbering } },
        host,
        intent,
        NOW + seconds * 1000,
      )
      numbering = main.numbering
      return main
    },
  }
}

describe('the text of delegations', () => {
  it('names prefixes, with lifetimes or without', () => {
    const text = `# written by the hook
2001:db8:7:700::/56 preferred 14400 valid 86400   # from wan1

  2001:db8:8:800::/56
2001:DB8:9::/48\tpreferred 0 valid infinity\r
`
    expect(parseDelegations(text)).toEqual({
      value: [
        lasting(P1, 14_400, 86_400),
        forever(P2),
        { prefix: '2001:db8:9::/48', preferredSeconds: 0, validSeconds: null },
      ],
    })
  })

  it.each([
    ['nothing', '', /names no prefix/],
    ['only-comments', '# gone\n\n', /names no prefix/],
    ['half-a-line', '2001:db8:7:700::/56\n2001:db8:8:8', /line 2: .*not a prefix/],
    ['host-bits', '2001:db8::1/56', /line 1: .*did you mean/],
    ['other-words', '2001:db8:7:700::/56 valid 9', /line 1: write PREFIX/],
    ['no-seconds', '2001:db8:7:700::/56 preferred 1h valid 2h', /number of seconds/],
    ['negative', '2001:db8:7:700::/56 preferred -1 valid 2', /number of seconds/],
    ['mixed-up', '2001:db8:7:700::/56 preferred 9 valid 2', /longer than the valid/],
    ['infinitely-preferred', '2001:db8:7:700::/56 preferred infinity valid 2', /longer than/],
    ['twice', '2001:db8:7:700::/56\n2001:DB8:7:700::/56', /line 2: .*twice/],
    [
      'endless',
      Array.from({ length: 40 }, (_, n) => `2001:db8:${n}::/48`).join('\n'),
      /more than 32/,
    ],
    ['html', '<html>503</html>', /line 1: .*not a prefix/],
  ])('is refused as a whole: %s', (_, text, fault) => {
    expect(parseDelegations(text)).toEqual({ fault: expect.stringMatching(fault) })
  })

  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const read = parseDelegations(text)
        expect('value' in read ? read.value.length > 0 : read.fault !== '').toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('counts lifetimes from when it was written, and forgets what has ended', () => {
    const list = [lasting(P1, 100, 200), forever(P2)]
    expect(aged(list, 60_000)).toEqual([lasting(P1, 40, 140), forever(P2)])
    expect(aged(list, 150_000)).toEqual([lasting(P1, 0, 50), forever(P2)])
    expect(aged(list, 200_000)).toEqual([forever(P2)])
    // The clock was set back since.
    expect(aged(list, -9_000_000)).toEqual(list)
  })
})

describe('delegated routes', () => {
  const route = (more: object) =>
    parseDelegatedRoutes(
      JSON.stringify([{ dst: P1, type: 'unreachable', protocol: 'dhcp', ...more }]),
    )

  it.each([
    ['networkd', {}],
    ['blackhole', { type: 'blackhole' }],
    ['announced', { protocol: 'ra' }],
    ['script', { protocol: 'boot' }],
    ['script-of-old-iproute2', { protocol: undefined }],
    ['static', { protocol: 'static' }],
  ])('are found: %s', (_, more) => {
    expect(route(more)).toEqual([forever(P1)])
  })

  it.each([
    ['ordinary', { type: undefined }],
    ['prohibit', { type: 'prohibit' }],
    ['routing-daemon', { protocol: 'bird' }],
    ['kernel', { protocol: 'kernel' }],
    ['default', { dst: 'default' }],
    ['host', { dst: '2001:db8::1' }],
    ['too-short', { dst: '2001:db8::/47' }],
    ['too-long', { dst: '2001:db8::/65' }],
    ['ended', { expires: 0 }],
    ['ended-and-not-collected', { expires: -7 }],
  ])('are told from others: %s', (_, more) => {
    expect(route(more)).toEqual([])
  })

  it('last as long as the kernel says', () => {
    expect(route({ expires: 900 })).toEqual([lasting(P1, 900, 900)])
  })
})

describe('an uplink with delegated prefixes', () => {
  it('is numbered from the delegation, whatever the addresses of its interface', () => {
    const { pass } = createDelegated()
    expect(pass(0, [forever(P1)]).decision).toMatchObject({ kind: 'renumber', to: P1 })
    for (const at of [10, 100, 100_000]) {
      expect(pass(at, [forever(P1)])).toMatchObject({ decision: { kind: 'keep' }, problems: [] })
    }
  })

  it('follows the replacement of the only prefix as planned, once it has settled', () => {
    const { pass } = createDelegated()
    pass(0, [forever(P1)])
    const at = pass(100, [forever(P2)]).decision
    expect(at).toMatchObject({ kind: 'hold', recheckAt: NOW + 100_100 })
    expect(pass(100.1, [forever(P2)]).decision).toEqual({
      kind: 'renumber',
      from: P1,
      to: P2,
      cause: 'planned',
    })
  })

  it('follows one that is added beside the former, which is not renewed', () => {
    const { pass } = createDelegated()
    pass(0, [lasting(P1, 900, 1800)])
    pass(100, [lasting(P1, 800, 1700), lasting(P2, 900, 1800)])
    const { decision } = pass(101, [lasting(P1, 799, 1699), lasting(P2, 899, 1799)])
    expect(decision).toMatchObject({ kind: 'renumber', to: P2, cause: 'flash' })
  })

  it('follows the deprecation of its prefix at once', () => {
    const { pass } = createDelegated()
    pass(0, [lasting(P1, 900, 1800), lasting(P2, 900, 1800)])
    const { decision } = pass(10, [lasting(P1, 0, 1790), lasting(P2, 890, 1790)])
    expect(decision).toMatchObject({ kind: 'renumber', to: P2, cause: 'planned' })
  })

  it('stays while several are renewed together, time after time', () => {
    const { pass } = createDelegated()
    const both = [lasting(P1, 900, 1800), lasting(P2, 900, 1800)]
    const first = pass(0, both).numbering.current?.prefix
    for (let at = 450; at < 100_000; at += 450) {
      expect(pass(at, both).decision).toMatchObject({ kind: 'keep', prefix: first })
    }
  })

  it('holds while its source says nothing, and changes nothing at all', () => {
    const { pass, fault } = createDelegated()
    const known = pass(0, [lasting(P1, 900, 1800)]).numbering
    for (const at of [10, 1000, 100_000]) {
      const { decision, numbering } = fault(at)
      expect(decision).toEqual({ kind: 'hold', reason: `the file is gone; ${P1} is kept` })
      expect(numbering).toEqual(known)
    }
    expect(pass(100_001, [lasting(P1, 900, 1800)]).decision).toMatchObject({ kind: 'keep' })
  })

  it('says what to do about a delegation of another length, and takes none of it', () => {
    const { pass } = createDelegated()
    pass(0, [forever(P1)])
    const short = parsePrefix('2001:db8:9::/48')
    const ula = parsePrefix('fd00:1::/48')
    const { decision, problems } = pass(10, [forever(P1), forever(short), forever(ula)])
    expect(decision).toMatchObject({ kind: 'keep', prefix: P1 })
    expect(problems).toMatchObject([
      {
        code: 'DELEGATION_LENGTH',
        where: 'uplink eth0, prefix.length',
        what: expect.stringContaining(`${short} is delegated`),
        remedy: expect.stringMatching(/prefix\.length: 48/),
      },
    ])
    expect(pass(20, [forever(parsePrefix('2001:db8::/40'))]).problems[0]?.remedy).toMatch(/ask/)
  })

  it('needs no neighbour proxy', () => {
    const containers = [container('a', [attachment('web', 'fd00::1')])]
    const host = observed({ uplinks: [uplink([], { delegations: [forever(P1)] })], containers })
    const { numbering } = createDelegated().pass(0, [forever(P1)])
    const { desired } = desire(host, { uplinks: { eth0: numbering } }, WIDE, NOW)
    expect(desired.routes).toEqual([{ subnet: '2001:db8:7:712::/64', interface: 'br-web' }])
    expect(desired.proxy?.bridges).toEqual([])
    const settings = [{ interface: 'eth0', isReady: true, isWritable: true }]
    const asked = { ...host, neighbours: { entries: [], settings } }
    const kernel = desire(
      asked,
      { uplinks: { eth0: numbering } },
      { ...WIDE, proxy: 'kernel' },
      NOW,
    )
    expect(kernel.desired.neighbours?.entries).toEqual([])
  })
})

describe('prefixes of 48 to 64 bits', () => {
  const bits = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
  const global = bits.map((value) => addressFromBits((value & ((1n << 125n) - 1n)) | (1n << 125n)))

  it('have subnets cut from them that lie inside, and keep their place through a renumbering', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 48, max: 64 }),
        fc.integer({ min: 0, max: 62 }),
        global,
        global,
        bits,
        bits,
        (prefixLength, below, from, to, place, docker) => {
          const length = Math.min(126, prefixLength + below)
          const all = (1n << 128n) - 1n
          const inside = place & (all >> BigInt(prefixLength))
          const cut = addressFromBits((inside >> BigInt(128 - length)) << BigInt(128 - length))
          const intent: Intent = {
            ...WIDE,
            prefixLength,
            networks: { web: parseSuffix(`${cut}/${length}`) },
          }
          const own = addressFromBits(docker)
          const [before, after] = [from, to].map((address) => {
            const prefix = networkOf(address, prefixLength)
            const containers = [container('a', [attachment('web', own)])]
            const host = observed({ uplinks: [uplink([])], containers })
            const current = { prefix, cause: 'initial' as const, since: NOW }
            const state = { uplinks: { eth0: { ...UNNUMBERED, current } } }
            const { desired, placed, problems } = desire(host, state, intent, NOW)
            expect(problems).toEqual([])
            const [route] = desired.routes
            const [wanted] = desired.addresses.filter(({ isDeprecated }) => !isDeprecated)
            if (route === undefined || wanted === undefined) throw new Error('nothing is numbered')
            expect(contains(prefix, route.subnet)).toBe(true)
            expect(contains(route.subnet, wanted.address)).toBe(true)
            // The host bits of Docker's own address, in the subnet that the settings say.
            const mask = all >> BigInt(length)
            expect(addressBits(wanted.address) & mask).toBe(docker & mask)
            expect(addressBits(wanted.address) & (all >> BigInt(prefixLength))).toBe(
              addressBits(placed[0]?.host ?? own),
            )
            return placed[0]?.host
          })
          expect(before).toBe(after)
        },
      ),
      { numRuns: 300 },
    )
  })
})
