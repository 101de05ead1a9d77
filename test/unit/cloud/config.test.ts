import { describe, expect, it } from 'vitest'
import { type CloudConfig, parseConfig } from '../../../cloud/config.ts'

const GOOD = `url: https://reprefix.example.org/
store: file:reprefix.db
admin: { token: "\${env:ADMIN}" }
zones:
  Example.org: { providers: [lan] }
  home.arpa: { ttl: 30, providers: [lan] }
providers:
  lan: { type: rfc2136, server: "[::1]:53", tsig: { name: ddns, algorithm: hmac-sha256, secret: "c2VjcmV0" } }
`
const TOKEN = 'a-token-of-twenty-four-or-more'

function parse(text: string, token = TOKEN): CloudConfig {
  return parseConfig(text, 'cloud.yaml', () => token)
}

function change(from: string, to: string): string {
  expect(GOOD).toContain(from)
  return GOOD.replace(from, to)
}

describe('cloud.yaml', () => {
  it('gives checked settings, with what is left out filled in', () => {
    expect(parse(GOOD)).toMatchObject({
      url: 'https://reprefix.example.org',
      listen: { host: '::', port: 8080 },
      store: { kind: 'file', url: 'file:reprefix.db' },
      logKey: { kind: 'file', path: 'log.key' },
      adminToken: TOKEN,
      pass: { everyMs: 300_000, silentAfterMs: 2_592_000_000 },
      zones: [
        { name: 'example.org', ttl: 60, providers: ['lan'] },
        { name: 'home.arpa', ttl: 30, providers: ['lan'] },
      ],
      warnings: [],
    })
  })

  it.each([
    ['45s', '1d', 45_000, 86_400_000],
    ['2h', '365d', 7_200_000, 31_536_000_000],
  ])('takes a pass every %s and silence of %s', (every, silentAfter, everyMs, silentAfterMs) => {
    const given = `${GOOD}pass: { every: ${every}, silentAfter: ${silentAfter} }\n`
    expect(parse(given).pass).toEqual({ everyMs, silentAfterMs })
  })

  it.each([
    ['file:x.db', { kind: 'file', url: 'file:x.db' }],
    ['dynamodb:re_prefix.1', { kind: 'dynamodb', table: 're_prefix.1' }],
    ['d1:DB', { kind: 'd1', binding: 'DB' }],
    ['libsql://db.example.net', { kind: 'server', url: 'libsql://db.example.net' }],
    ['http://[::1]:8080', { kind: 'server', url: 'http://[::1]:8080' }],
  ])('takes the store %s', (text, store) => {
    expect(parse(change('file:reprefix.db', JSON.stringify(text))).store).toEqual(store)
  })

  it.each([
    'dynamodb:x',
    'dynamodb:a b c',
    'd1:',
    'd1:a-b',
    'file:',
    'libsql://',
    'libsql://x?authToken=y',
  ])('refuses the store %s', (text) => {
    expect(() => parse(change('file:reprefix.db', JSON.stringify(text)))).toThrow(
      /store: must be file:/,
    )
  })

  it('tells the text of a key from the name of a file', () => {
    const text = 'PRIVATE+KEY+cloud.example.org+00000000+AAAA'
    expect(parse(`${GOOD}log: { key: ${text} }\n`).logKey).toEqual({ kind: 'text', text })
    expect(parse(`${GOOD}log: { key: "\${env:KEY}" }\n`, text).logKey).toEqual({
      kind: 'text',
      text,
    })
  })

  it('takes name servers by address or name', () => {
    const servers = '["[2001:db8::53]:5353", 192.0.2.53, ns3.example.net]'
    const given = change('ttl: 30, ', `nameServers: ${servers}, `)
    expect(parse(given).zones[1]?.nameServers).toEqual([
      { name: '[2001:db8::53]:5353', addresses: [{ host: '2001:db8::53', port: 5353 }] },
      { name: '192.0.2.53', addresses: [{ host: '192.0.2.53', port: 53 }] },
      { name: 'ns3.example.net', addresses: [{ host: 'ns3.example.net', port: 53 }] },
    ])
  })

  const faults: readonly [string, string, RegExp][] = [
    ['unknown-key', `${GOOD}colour: red\n`, /cloud\.yaml: colour: .*line 9/],
    ['no-url', change('url: https://reprefix.example.org/\n', ''), /cloud\.yaml: url: is missing/],
    ['http-with-a-name', change('https:', 'http:'), /url: .*is not secure: use https/],
    ['url-with-a-query', change('.org/\n', '.org/?a\n'), /url: .*is not the URL of a cloud/],
    [
      'store',
      change('file:reprefix.db', 'mysql://x'),
      /store: must be file:.*, dynamodb:TABLE or d1:BINDING/,
    ],
    [
      'one-file-for-two-keys',
      `${GOOD}log: { nextKey: log.key }\n`,
      /cloud\.yaml: log\.nextKey: is log\.key once more/,
    ],
    ['pass/no-unit', `${GOOD}pass: { every: "300" }\n`, /pass\.every: "300" is not a duration/],
    ['pass/too-often', `${GOOD}pass: { every: 9s }\n`, /pass\.every: must be 10s at least/],
    ['pass/too-rare', `${GOOD}pass: { every: 25h }\n`, /pass\.every: must be 1d at most/],
    ['pass/silent', `${GOOD}pass: { silentAfter: never }\n`, /silentAfter: "never" is not a/],
    ['ttl', change('ttl: 30', 'ttl: 0'), /zones\.home\.arpa\.ttl: .*at least 1/],
    ['no-provider', change('ttl: 30, providers: [lan]', 'providers: []'), /names no provider/],
    [
      'resolver',
      `dnsOverHttps: ["http://dns.example.net/dns-query"]\n${GOOD}`,
      /dnsOverHttps.*is not the URL of a resolver/,
    ],
    [
      'no-name-server',
      change('ttl: 30, ', 'nameServers: [], '),
      /nameServers: names no server: leave it out/,
    ],
    [
      'name-server',
      change('ttl: 30, ', 'nameServers: ["::1"], '),
      /nameServers.*is not a server: write 192\.0\.2\.1:53/,
    ],
    [
      'unknown-provider',
      change('ttl: 30, providers: [lan]', 'providers: [lna]'),
      /zones\.home\.arpa\.providers: "lna" is not under "providers" \(there: lan\); add it/,
    ],
    [
      'provider-named-like-a-built-in',
      change('ttl: 30, providers: [lan]', 'providers: [constructor]'),
      /"constructor" is not under "providers"/,
    ],
    [
      'provider-twice',
      change('ttl: 30, providers: [lan]', 'providers: [lan, lan]'),
      /names a provider twice/,
    ],
    ['zone-name', change('home.arpa', '"-"'), /zones\.-: .*is not a domain name/],
    ['zone-twice', change('home.arpa', 'example.org'), /zones\.example\.org: is listed twice/],
    [
      'no-zone',
      GOOD.replace(/zones:[\s\S]*providers:\n/, 'zones: {}\nproviders:\n'),
      /names no zone/,
    ],
    ['listen', change('store:', 'listen: 8080\nstore:'), /listen: /],
    [
      'listen-port',
      change('store:', 'listen: "[::]:99999"\nstore:'),
      /listen: .*write \[::\]:8080/,
    ],
    ['broken-yaml', `${GOOD}  - [`, /cloud\.yaml: .*line/],
    ['provider-type', change('type: rfc2136', 'type: smtp'), /providers\.lan/],
  ]
  it.each(faults)('names file, path and remedy: %s', (_, text, expected) => {
    const fault = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(expected),
    })
    expect(() => parse(text)).toThrow(fault)
  })

  it('refuses a short operator token without showing it', () => {
    expect(() => parse(GOOD, 'hunter2')).toThrow(
      /admin\.token: must have at least 24 characters: make one with/,
    )
    expect(() => parse(GOOD, 'hunter2')).not.toThrow(/hunter2/)
  })

  const urls: readonly [string, number][] = [
    ['http://localhost:8080', 0],
    ['http://[::1]:8080', 0],
    ['http://192.0.2.1:8080', 1],
    ['http://[2001:db8::1]:8080', 1],
  ]
  it.each(urls)('lets plain http through for laboratories: %s', (url, warnings) => {
    const config = parse(change('https://reprefix.example.org/', `"${url}"`))
    expect(config.url).toBe(url)
    expect(config.warnings).toHaveLength(warnings)
  })

  it('warns of a provider that no zone uses', () => {
    const more = GOOD + GOOD.split('\n').at(-2)?.replace('lan:', 'wan:')
    expect(parse(more).warnings).toEqual(['providers.wan: no zone uses it'])
  })

  it('warns of a provider that works with reservations, when a zone uses it', () => {
    const kind = '  wan: { type: infomaniak, token: some-token-of-it }\n'
    expect(parse(GOOD + kind).warnings).toEqual(['providers.wan: no zone uses it'])
    const used = change('home.arpa: { ttl: 30, providers: [lan]', 'home.arpa: { providers: [wan]')
    expect(parse(used + kind).warnings).toEqual([
      expect.stringMatching(/^providers\.wan: .*Infomaniak.*may change/),
    ])
  })
})
