// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in plain strings are the subject
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { providerSettingsSchema } from '../../../../cloud/dns/provider-settings.ts'
import { PROVIDER_TYPES } from '../../../../cloud/dns/provider-types.ts'
import { createProviders } from '../../../../cloud/dns/providers.ts'
import { parseServer } from '../../../../cloud/dns/rfc2136-settings.ts'
import { parseSettings } from '../../../../shared/settings.ts'
import { cloudflareSettings } from '../../../fakes/dns/cloudflare.ts'
import { desecSettings } from '../../../fakes/dns/desec.ts'
import { digitaloceanSettings } from '../../../fakes/dns/digitalocean.ts'
import { gandiSettings } from '../../../fakes/dns/gandi.ts'
import { hetznerSettings } from '../../../fakes/dns/hetzner.ts'
import { porkbunSettings } from '../../../fakes/dns/porkbun.ts'

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

describe('settings of hosted services', () => {
  const hosted = [
    ...[cloudflareSettings, desecSettings, digitaloceanSettings, gandiSettings, hetznerSettings],
    porkbunSettings,
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
      if (key === 'type') continue
      const broken = JSON.stringify({ p: { ...settings, [key]: `${value} ` } })
      expect(() => read(broken)).toThrow(new RegExp(`p\\.${key}: must have no white space`))
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
