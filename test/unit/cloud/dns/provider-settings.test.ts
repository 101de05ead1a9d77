// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in plain strings are the subject
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { parseBaseUrl } from '../../../../cloud/dns/http/base-url.ts'
import { providerSettingsSchema } from '../../../../cloud/dns/provider-settings.ts'
import { PROVIDER_TYPES } from '../../../../cloud/dns/provider-types.ts'
import { parseServer } from '../../../../cloud/dns/rfc2136-settings.ts'
import { parseSettings } from '../../../../shared/settings.ts'
import { azureSettings } from '../../../fakes/dns/azure.ts'
import { bunnySettings } from '../../../fakes/dns/bunny.ts'
import { cloudflareSettings } from '../../../fakes/dns/cloudflare.ts'
import { createProviders } from '../../../fakes/dns/create-providers.ts'
import { desecSettings } from '../../../fakes/dns/desec.ts'
import { digitaloceanSettings } from '../../../fakes/dns/digitalocean.ts'
import { dnsimpleSettings } from '../../../fakes/dns/dnsimple.ts'
import { dyndns2Settings } from '../../../fakes/dns/dyndns2.ts'
import { gandiSettings } from '../../../fakes/dns/gandi.ts'
import { googleSettings } from '../../../fakes/dns/google.ts'
import { hetznerSettings } from '../../../fakes/dns/hetzner.ts'
import { infomaniakSettings } from '../../../fakes/dns/infomaniak.ts'
import { inwxSettings } from '../../../fakes/dns/inwx.ts'
import { ionosSettings } from '../../../fakes/dns/ionos.ts'
import { linodeSettings } from '../../../fakes/dns/linode.ts'
import { netcupSettings } from '../../../fakes/dns/netcup.ts'
import { njallaSettings } from '../../../fakes/dns/njalla.ts'
import { ovhSettings } from '../../../fakes/dns/ovh.ts'
import { porkbunSettings } from '../../../fakes/dns/porkbun.ts'
import { powerdnsSettings } from '../../../fakes/dns/powerdns.ts'
import { route53Settings } from '../../../fakes/dns/route53.ts'
import { scalewaySettings } from '../../../fakes/dns/scaleway.ts'
import { transipSettings } from '../../../fakes/dns/transip.ts'
import { vultrSettings } from '../../../fakes/dns/vultr.ts'

const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnl0ZXM='
const read = (text: string) =>
  parseSettings(text, 'cloud.yaml', v.record(v.string(), providerSettingsSchema), () => secret)
const lan = (change: string) =>
  `lan: { type: rfc2136, server: "[::1]:53", tsig: { name: DDNS., algorithm: hmac-sha256, secret: "\${env:TSIG}" }${change} }`

describe('settings of RFC 2136', () => {
  it('are read, and build a provider without any connection', () => {
    const settings = read(lan(''))
    expect(settings.lan).toMatchObject({
      server: { host: '::1', port: 53 },
      tsig: {
        name: 'ddns',
        algorithm: 'hmac-sha256',
        secret: Uint8Array.from(Buffer.from(secret, 'base64')),
      },
    })
    const providers = createProviders(settings, { now: () => new Date() })
    expect([...providers.keys()]).toEqual(['lan'])
    expect(providers.get('lan')?.caps.compareAndSet).toBe('prerequisite')
  })

  it.each([
    ['192.0.2.1', { host: '192.0.2.1', port: 53 }],
    ['192.0.2.1:5353', { host: '192.0.2.1', port: 5353 }],
    ['[2001:DB8::1]', { host: '2001:db8::1', port: 53 }],
    ['NS1.example.org.:53', { host: 'ns1.example.org', port: 53 }],
  ])('take %s as server', (text, server) => {
    expect(parseServer(text)).toEqual(server)
  })

  it.each([
    '',
    '::1',
    '2001:db8::1:53',
    '[::1',
    '[::1]:0',
    '[::1]:65536',
    '192.0.2.1:x',
    '192.0.2.256',
    'a b:53',
    'http://x/',
  ])('refuse %j as server', (text) => {
    expect(() => parseServer(text)).toThrow(expect.objectContaining({ name: 'ReprefixError' }))
  })

  it.each([
    [
      'another type',
      'lan: { type: bind }',
      /lan\.type: must be \("rfc2136" \| .*\), not "bind" \(line 1\)/,
    ],
    ['an unknown key', lan(', port: 53'), /lan\.port: is not known/],
    ['MD5', lan('').replace('hmac-sha256', 'hmac-md5'), /lan\.tsig\.algorithm: must be/],
    ['no key', 'lan: { type: rfc2136, server: "::" }', /lan\.tsig: is missing/],
  ])('refuse %s, naming the path', (_, text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  it('refuse an empty secret', () => {
    expect(() => read(lan('').replace('${env:TSIG}', ''))).toThrow(/lan\.tsig\.secret: /)
  })

  it('never show the secret', () => {
    const broken = lan('').replace('${env:TSIG}', 'not+canonical')
    expect(() => read(broken)).toThrow(/lan\.tsig\.secret: /)
    expect(() => read(broken)).not.toThrow(/not\+canonical/)
  })
})

describe('the URL of a server of our own', () => {
  it.each([
    ['http://127.0.0.1:8081', 'http://127.0.0.1:8081'],
    ['https://NS1.example.org/pdns/', 'https://ns1.example.org/pdns'],
  ])('%s is %s', (text, url) => {
    expect(parseBaseUrl(text)).toBe(url)
  })

  it.each(['127.0.0.1:8081', 'ftp://x', 'http://x/?a=b', 'http://x/#a', ''])(
    'is not %j',
    (text) => {
      expect(() => parseBaseUrl(text)).toThrow(/is not the address of a server/)
    },
  )

  it('holds no password, which no message shows', () => {
    expect(() => parseBaseUrl('http://me:hunter22@x/')).toThrow(/^(?!.*hunter22).*password/)
  })
})

/** What is no credential. */
const PUBLIC = [
  ...['type', 'url', 'service', 'zone', 'username', 'accessKeyId'],
  ...['tenant', 'client', 'subscription', 'resourceGroup', 'customer', 'login'],
]

describe('settings of hosted services', () => {
  const hosted = [
    azureSettings,
    bunnySettings,
    cloudflareSettings,
    desecSettings,
    digitaloceanSettings,
    dnsimpleSettings,
    gandiSettings,
    googleSettings,
    hetznerSettings,
    infomaniakSettings,
    inwxSettings,
    ionosSettings,
    linodeSettings,
    netcupSettings,
    njallaSettings,
    ovhSettings,
    porkbunSettings,
    powerdnsSettings,
    route53Settings,
    scalewaySettings,
    transipSettings,
    vultrSettings,
    { ...dyndns2Settings.token, service: 'duckdns' as const },
  ]

  it('have an example here for every kind', () => {
    const kinds = ['rfc2136', ...hosted.map(({ type }) => type)]
    expect(kinds.sort()).toEqual(Object.keys(PROVIDER_TYPES).sort())
  })

  it.each(hosted)('of $type build a provider without any connection', (settings) => {
    const fetch = () => Promise.reject(new Error('nothing is sent yet'))
    const checked = read(JSON.stringify({ p: settings }))
    const provider = createProviders(checked, { now: () => new Date(), fetch }).get('p')
    expect(provider?.id).toBe('p')
  })

  it.each(hosted)('of $type show no credential when they are wrong', (settings) => {
    for (const [key, value] of Object.entries(settings)) {
      if (PUBLIC.includes(key)) continue
      const broken = JSON.stringify({ p: { ...settings, [key]: `${value} x` } })
      const fault = '(?:must have no white space|does not have the right form)'
      expect(() => read(broken)).toThrow(new RegExp(`p\\.${key}: ${fault}`))
      expect(() => read(broken)).not.toThrow(String(value))
      const wrong = JSON.stringify({ p: { ...settings, [key]: [value] } })
      expect(() => read(wrong)).toThrow(`p.${key}: `)
      expect(() => read(wrong)).not.toThrow(String(value))
    }
  })

  it.each([
    ['an empty token', 'token: ""'],
    ['a token that is cut off', 'token: abc'],
    ['a token with white space', 'token: "secret with spaces"'],
    ['no token', ''],
    ['an unknown key', 'token: abcdefghijkl, zone: example.org'],
  ])('refuse %s, and do not show it', (_, text) => {
    const broken = `p: { type: desec, ${text} }`
    expect(() => read(broken)).toThrow(/p\.(?:token|zone): /)
    expect(() => read(broken)).not.toThrow(/secret with spaces|abcdefghijkl/)
  })
})

describe('settings of dyndns2', () => {
  const custom = (url: string) =>
    `p: { type: dyndns2, service: custom, zone: example.org, addresses: list, username: alice, password: "\${env:X}", url: "${url}" }`

  it("take a service of one's own choice", () => {
    expect(read(custom('https://dyn.example.net/nic/update')).p).toMatchObject({
      zone: 'example.org',
    })
  })

  it.each([
    ['https://www.dy.fi/nic/update', /p\.url: .*publishes the one of whoever asks/],
    ['http://dyn.example.net/nic/update', /p\.url: .*https/],
    ['https://a:b@dyn.example.net/', /p\.url: .*no user/],
    ['dyn.example.net', /p\.url: .*not a URL/],
  ])('refuse %s, saying why', (url, message) => {
    expect(() => read(custom(url))).toThrow(message)
  })

  it.each([
    ['a service that is not known', 'service: dyfi, zone: example.org, token: abcdefghijkl'],
    [
      'a name with a colon in it',
      'service: dyn, zone: a.org, username: "a:b", password: abcdefghi',
    ],
    ['no zone', 'service: dynv6, token: abcdefghijkl'],
    ['a contact that is no address', 'service: dynv6, zone: a.org, token: abcdefghi, contact: me'],
  ])('refuse %s, and show no secret', (_, text) => {
    const broken = `p: { type: dyndns2, ${text} }`
    expect(() => read(broken)).toThrow(/p\.(?:service|username|zone|contact): /)
    expect(() => read(broken)).not.toThrow(/abcdefghi/)
  })
})
