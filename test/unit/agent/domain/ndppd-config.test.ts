import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderNdppdConfig } from '../../../../agent/domain/ndppd-config.ts'
import { findProxySections } from '../../../../agent/domain/ndppd-syntax.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const BLOCK = { uplink: 'eth0', bridges: ['br-app', 'br-web'], within: [parsePrefix('2000::/3')] }
const NOTHING = { ...BLOCK, bridges: [] }

const OWN_SECTION = `# BEGIN reprefix: this block is rewritten, edit outside of it
proxy eth0 {
  router no
  timeout 200
  ttl 100
  rule 2000::/3 { iface br-app }
  rule 2000::/3 { iface br-web }
}
# END reprefix
`

const INSIDE = `  # BEGIN reprefix: this block is rewritten, edit outside of it
  timeout 200
  ttl 100
  rule 2000::/3 { iface br-app }
  rule 2000::/3 { iface br-web }
  # END reprefix
`

describe('renderNdppdConfig', () => {
  it('writes a section for each uplink that has bridges, and takes away all of them again', () => {
    const wan = { uplink: 'wan1', bridges: ['br-iot'], within: [parsePrefix('2001:db8::/32')] }
    const idle = { uplink: 'wan2', bridges: [], within: [parsePrefix('2000::/3')] }
    const both = renderNdppdConfig('route-ttl 30000\n', BLOCK, wan, idle)
    expect(findProxySections(both).map((section) => section.interface)).toEqual(['eth0', 'wan1'])
    expect(both).toContain('rule 2001:db8::/32 { iface br-iot }')
    expect(renderNdppdConfig(both, BLOCK, wan, idle)).toBe(both)
    expect(renderNdppdConfig(both, BLOCK)).toBe(`route-ttl 30000\n${OWN_SECTION}`)
    expect(renderNdppdConfig(both, NOTHING, idle)).toBe('route-ttl 30000\n')
  })

  it.each([
    ['an empty file', '', OWN_SECTION],
    ['settings', 'route-ttl 30000\n', `route-ttl 30000\n${OWN_SECTION}`],
    ['a file without its last line end', 'route-ttl 30000', `route-ttl 30000\n${OWN_SECTION}`],
    [
      'a section of another interface',
      'proxy wlan0 {\n  rule fd00::/8 { auto }\n}\n',
      `proxy wlan0 {\n  rule fd00::/8 { auto }\n}\n${OWN_SECTION}`,
    ],
    [
      'a section that is commented out',
      '# proxy eth0 {\n/* proxy eth0 { */\n// proxy eth0 {\n',
      `# proxy eth0 {\n/* proxy eth0 { */\n// proxy eth0 {\n${OWN_SECTION}`,
    ],
  ])('adds a section of its own to %s', (_, text, expected) => {
    expect(renderNdppdConfig(text, BLOCK)).toBe(expected)
  })

  it.each([
    [
      'its own section',
      'proxy eth0 {\n  ttl 30000\n  rule 2001:db8::/64 { auto }\n}\n',
      `proxy eth0 {\n${INSIDE}  ttl 30000\n  rule 2001:db8::/64 { auto }\n}\n`,
    ],
    [
      'a comment on the opening line',
      'proxy eth0 { # my uplink\n  router yes\n}\n',
      `proxy eth0 { # my uplink\n${INSIDE}  router yes\n}\n`,
    ],
    ['all on one line', 'proxy eth0 { router yes }', `proxy eth0 {\n${INSIDE} router yes }`],
    [
      'two sections, of which ndppd heeds the last',
      'proxy eth0 {\n}\nproxy eth0 {\n  router yes\n}\n',
      `proxy eth0 {\n}\nproxy eth0 {\n${INSIDE}  router yes\n}\n`,
    ],
  ])('goes into the operator’s section when there is %s', (_, text, expected) => {
    expect(renderNdppdConfig(text, BLOCK)).toBe(expected)
  })

  it('moves into a section that the operator has added since', () => {
    const before = renderNdppdConfig('', BLOCK)
    const after = renderNdppdConfig(`${before}proxy eth0 {\n}\n`, BLOCK)
    expect(after).toBe(`proxy eth0 {\n${INSIDE}}\n`)
  })

  it('names the ranges of prefix.within, each for every bridge', () => {
    const within = [parsePrefix('2001:db8::/32'), parsePrefix('fd00::/8')]
    const text = renderNdppdConfig('', { ...BLOCK, bridges: ['br-web'], within })
    expect(text).toContain(
      '  rule 2001:db8::/32 { iface br-web }\n  rule fd00::/8 { iface br-web }\n',
    )
  })

  const lines = fc.array(
    fc.constantFrom(
      'route-ttl 30000\n',
      'address-ttl=5\n',
      '\n',
      '# a comment with { and }\n',
      '/* proxy eth0 {\n */\n',
      'proxy eth0 {\n  router yes\n  rule 1::/64 { static }\n}\n',
      'proxy eth0 { }\n',
      'proxy wlan0 { rule 2::/64 { iface br0 } }\n',
      '\tkey "a } value"\n',
    ),
  )

  it('keeps every other byte, and is the same when rendered again', () => {
    fc.assert(
      fc.property(lines, (parts) => {
        const text = parts.join('')
        const once = renderNdppdConfig(text, BLOCK)
        expect(renderNdppdConfig(once, BLOCK)).toBe(once)
        const others = { ...BLOCK, bridges: ['br-other'] }
        expect(renderNdppdConfig(renderNdppdConfig(once, others), BLOCK)).toBe(once)
        const isOpenedOnOneLine = text.includes('proxy eth0 { }')
        if (!isOpenedOnOneLine) expect(renderNdppdConfig(once, NOTHING)).toBe(text)
      }),
    )
  })

  it.each([
    ['a brace that is never closed', 'route-ttl 5\nproxy eth0 {\n', 2],
    ['a brace too many', 'proxy wlan0 {\n}\n}\nroute-ttl 5\n', 3],
    [
      'a block without its end',
      'route-ttl 5\n# BEGIN reprefix: this block is rewritten, edit outside of it\nproxy eth0 {\n}\n',
      2,
    ],
  ])('refuses %s, naming the line', (_, text, line) => {
    expect(() => renderNdppdConfig(text, BLOCK)).toThrow(
      expect.objectContaining({
        code: 'NDPPD_CONFIG_INVALID',
        message: expect.stringContaining(`line ${line}:`),
      }),
    )
  })
})

describe('findProxySections', () => {
  it('reads names with an equals sign, quotes and comments between', () => {
    const text = 'proxy = eth0 {\n}\nproxy /* the other */ wlan0 { rule 1::/64 { static } }\n'
    expect(findProxySections(text).map(({ interface: name }) => name)).toEqual(['eth0', 'wlan0'])
  })

  it('ends on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'proxy eth0{}#/*"\'=\n\t;\\') }), (text) => {
        try {
          findProxySections(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'NDPPD_CONFIG_INVALID' })
        }
      }),
      { numRuns: 1000 },
    )
  })

  it.each(['a {', 'proxy x {', '{'])('refuses braces nested beyond reason: %s', (opening) => {
    expect(() => findProxySections(opening.repeat(20_000))).toThrow(
      expect.objectContaining({ code: 'NDPPD_CONFIG_INVALID' }),
    )
  })
})
