// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in plain strings are the subject
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parsedBy } from '../../../shared/schema.ts'
import { parseSettings, type SettingsReference } from '../../../shared/settings.ts'

const schema = v.strictObject({
  url: v.string(),
  ttl: v.exactOptional(v.pipe(v.number(), v.minValue(1))),
  within: v.exactOptional(v.array(parsedBy(parsePrefix))),
  networks: v.exactOptional(v.record(v.string(), parsedBy(parsePrefix))),
  tsig: v.exactOptional(
    v.strictObject({ name: v.string(), secret: v.pipe(v.string(), v.minLength(40)) }),
  ),
})

const values: Record<string, string> = {
  'env:NAME': 'nas',
  'env:EVIL': 'x\nurl: [evil]',
  'env:SECRET': 'hunter2',
  'file:/run/secrets/tsig': 's'.repeat(40),
}
function resolve({ kind, name }: SettingsReference): string {
  const value = values[`${kind}:${name}`]
  if (value === undefined) throw new Error(`set the environment variable ${name}`)
  return value
}
const parse = (text: string) => parseSettings(text, 'cloud.yaml', schema, resolve)
function fault(text: string): string {
  try {
    parse(text)
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return error instanceof Error ? error.message : ''
  }
  return expect.unreachable('the settings were accepted')
}

describe('parseSettings', () => {
  it('reads a file, with anchors and references', () => {
    const text = [
      'url: https://${env:NAME}.example/${env:NAME}',
      'within: [&p 2000::/3]',
      'networks: { web: *p }',
      'tsig:',
      '  name: "$${env:NAME}"',
      '  secret: ${file:/run/secrets/tsig}',
    ].join('\n')
    expect(parse(text)).toEqual({
      url: 'https://nas.example/nas',
      within: ['2000::/3'],
      networks: { web: '2000::/3' },
      tsig: { name: '${env:NAME}', secret: 's'.repeat(40) },
    })
  })

  it('never reads a replaced value as YAML', () => {
    expect(parse('url: ${env:EVIL}')).toEqual({ url: 'x\nurl: [evil]' })
    expect(parse('url: "${env:EVIL}"')).toEqual({ url: 'x\nurl: [evil]' })
  })

  it.each([
    [
      'unknown key',
      'url: x\nnope: 1',
      'cloud.yaml: nope: is not known here: check the spelling, or remove it (line 2)',
    ],
    ['missing key', 'ttl: 1', 'cloud.yaml: url: is missing (line 1)'],
    [
      'missing inner key',
      'url: x\n\ntsig:\n  name: x',
      'cloud.yaml: tsig.secret: is missing (line 3)',
    ],
    ['wrong type', 'url: 3', 'cloud.yaml: url: must be string, not 3 (line 1)'],
    ['out of range', 'url: x\nttl: 0', 'cloud.yaml: ttl: must be at least 1, not 0 (line 2)'],
    ['empty file', '', 'cloud.yaml: must be a map of settings, key: value'],
    ['a list', '- 1', 'cloud.yaml: must be a map of settings, key: value'],
  ])('names file, path and line of %s', (_, text, message) => {
    expect(fault(text)).toBe(message)
  })

  it('passes on the message of the value parser, with the path into lists and maps', () => {
    expect(fault('url: x\nwithin:\n  - 2000::/3\n  - 2001:db8::1/64')).toBe(
      'cloud.yaml: within.1: "2001:db8::1/64" has bits set beyond its length of 64: did you mean 2001:db8::/64? (line 4)',
    )
    expect(fault('url: x\nnetworks:\n  web: "::x/80"')).toMatch(
      /^cloud.yaml: networks.web: "::x\/80" is not a prefix.* \(line 3\)$/,
    )
  })

  it('reports every fault on its own line', () => {
    expect(fault('ttl: x\nnope: 1').split('\n')).toHaveLength(3)
  })

  it.each(['url: [', 'url: x\nurl: y', 'url: "x', '\turl: x', 'a: *b', '&a a: *a\n--- \nb: 1'])(
    'refuses broken YAML %j with a line',
    (text) => {
      expect(fault(text)).toMatch(/^cloud\.yaml: .*\(line \d\)/)
    },
  )

  it('says which reference cannot be resolved, and where', () => {
    expect(fault('url: x\ntsig: { name: x, secret: "${env:GONE}" }')).toBe(
      'cloud.yaml: tsig.secret: set the environment variable GONE (line 2)',
    )
    expect(fault('url: ${vault:x}')).toMatch(/is not a reference/)
    expect(fault('url: ${env}')).toMatch(/is not a reference/)
  })

  it('never shows a replaced value, nor one under the name of a secret', () => {
    const message = fault('url: x\nwithin: ["${env:SECRET}"]\ntsig: { name: 1, secret: abcdef }')
    expect(message).not.toContain('hunter2')
    expect(message).not.toContain('abcdef')
    expect(message).toContain(
      'within.0: does not have the right form (its value comes from ${env:SECRET}) (line 2)',
    )
  })

  it('passes on what a parser says of a secret, unless that quotes some of it', () => {
    const parseSecret = (secret: string, message: (secret: string) => string) => {
      const check = v.check<string, string>(() => false, message(secret))
      const strict = v.strictObject({ secret: v.pipe(v.string(), check) })
      try {
        parseSettings(`secret: ${secret}`, 'cloud.yaml', strict, resolve)
      } catch (error) {
        return error instanceof Error ? error.message : ''
      }
      return expect.unreachable('the settings were accepted')
    }
    expect(parseSecret('hunter2hunter2', () => 'is too weak')).toContain('is too weak')
    for (const part of [(s: string) => s, (s: string) => s.slice(1, 5), (s: string) => `"${s}"`]) {
      expect(parseSecret('hunter2', (s) => `${part(s)} is weak`)).toContain('the right form')
    }
    expect(parseSecret('x', (s) => `${s} is weak`)).toContain('the right form')
  })

  it('refuses an alias without its anchor', () => {
    expect(fault('url: *gone')).toBe('cloud.yaml: url: there is no anchor &gone (line 1)')
  })

  it('survives an anchor that contains itself', () => {
    expect(fault('url: &a [*a]')).toMatch(/nested too deeply \(line 1\)/)
  })

  it('does not let a __proto__ key through', () => {
    expect(fault('url: x\n__proto__: { ttl: 1 }')).toContain('__proto__: is not known here')
  })
})
