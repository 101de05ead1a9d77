import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { planDeployment } from '../../../infra/cdk/deployment.ts'
import { OPTION_NAMES, parseOptions } from '../../../infra/cdk/options.ts'
import { SETTINGS } from './synthesised.ts'

const GUIDE = 'docs/guides/deploy-aws.md'
const plan = (text: string, context: Readonly<Record<string, string>> = {}) =>
  planDeployment(text, parseOptions({ ...context }), {})
const change = (from: string, to: string) => {
  expect(SETTINGS).toContain(from)
  return SETTINGS.replace(from, to)
}

describe('settings that AWS Lambda cannot have', () => {
  it.each([
    [
      'store',
      change('dynamodb:reprefix', 'file:a.db'),
      /cloud\.yaml: store: .*write dynamodb:TABLE/,
    ],
    ['log-key', change('"$' + '{env:LOG_KEY}"', 'log.key'), /log\.key: .*reprefix audit new-key/],
    [
      'file',
      change('$' + '{env:DESEC_TOKEN}', '$' + '{file:/etc/x}'),
      /cloud\.yaml: \$\{file:\/etc\/x\} is not there on Lambda: store/,
    ],
    ['unknown-key', `${SETTINGS}colour: red\n`, /cloud\.yaml: colour: /],
    ['no-url', change('url: ', 'uri: '), /url: is missing/],
    [
      'zone-id',
      change('home.example.org: Z9876543210DEF', 'x.org: Z1'),
      /providers\.aws\.zoneIds: has no home\.example\.org: add the id that "aws route53 list-hosted-zones-by-name --dns-name home\.example\.org"/,
    ],
    [
      'no-zone-ids',
      change(', zoneIds: { example.org: Z0123456789ABC, home.example.org: Z9876543210DEF }', ''),
      /zoneIds: has no example\.org.*\n.*has no home/,
    ],
  ])('are told of with path and remedy: %s', (_, text, message) => {
    expect(() => plan(text)).toThrow(message)
  })
})

describe('a deployment', () => {
  it('reads each parameter that the settings refer to', () => {
    expect(plan(SETTINGS).parameters).toEqual([
      '/reprefix/ADMIN_TOKEN',
      '/reprefix/DESEC_TOKEN',
      '/reprefix/LOG_KEY',
      '/reprefix/REPREFIX_URL',
    ])
    const text = change('"$' + '{env:ADMIN_TOKEN}"', '"$' + '{env:AWS_SESSION_TOKEN}"')
    expect(plan(text).parameters).not.toContain('/reprefix/AWS_SESSION_TOKEN')
  })

  it('writes no zone as its role that has an access key of its own', () => {
    const key = 'type: route53, accessKeyId: AKIA0123456789ABCDEF, secret: "$' + '{env:KEY}"'
    expect(plan(change('type: route53', key)).zones).toEqual([])
  })

  it('tells what deserves a look', () => {
    const text = change('second: {', 'third: { type: desec, token: "$' + '{env:X}" }\n  second: {')
    expect(plan(text).warnings).toEqual(['providers.third: no zone uses it'])
  })
})

describe('the guide', () => {
  it('has settings that can be deployed, as the example has', async () => {
    const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(await readFile(GUIDE, 'utf8')) ?? []
    const example = await readFile('infra/cdk/cloud.example.yaml', 'utf8')
    const { zones, parameters, embedded } = plan(yaml)
    expect(plan(example)).toMatchObject({ zones, parameters, embedded })
  })

  it('tells of each option, and of no other', async () => {
    const [, section = ''] = (await readFile(GUIDE, 'utf8')).split('## What can be set')
    const [table = ''] = section.split('\n## ')
    const keys = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)
    expect(keys.sort()).toEqual([...OPTION_NAMES].sort())
  })

  it('names the version of the toolkit everywhere alike', async () => {
    const versions = (await readFile(GUIDE, 'utf8')).match(/aws-cdk@[\d.]+\d/g)
    expect([...new Set(versions)]).toEqual(['aws-cdk@2.1148.1'])
  })
})

describe('what the command line says', () => {
  it.each([
    [
      { names: 'www.example.net' },
      /-c names: "www\.example\.net" is in no zone at Route 53 \(there: example\.org, home/,
    ],
    [{ names: 'a..b' }, /-c names: /],
    [{ concurrency: '0' }, /-c concurrency: must be at least 1/],
    [{ concurrency: 'many' }, /-c concurrency: /],
    [{ start: 'soon' }, /-c start: must be now or later/],
    [{ parameters: 'reprefix' }, /-c parameters: must begin and end with a slash/],
    [{ alarmEmail: 'you' }, /-c alarmEmail: must be an e-mail address/],
    [{ passMinutes: '0.5' }, /-c passMinutes: must be a whole number/],
    [{ alarmMail: 'you@example.org' }, /-c alarmMail: is no option \(there: config, start, names/],
  ] as const)('is checked: %j', (context, message) => {
    expect(() => plan(SETTINGS, { ...context })).toThrow(message)
  })

  it('is told apart from what the toolkit itself says', () => {
    const own = {
      'aws:cdk:enable-path-metadata': true,
      '@aws-cdk/core:x': true,
      'cli-telemetry': false,
    }
    expect(parseOptions(own)).toEqual(parseOptions({}))
  })
})
