import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { route53 } from '../../../cloud/dns/hosted/route53.ts'
import { policyChangeSchema } from '../../../cloud/domain/host-policy.ts'
import { CHANGE_ACTIONS, RECORD_TYPES, TABLE_ACTIONS } from '../../../infra/cdk/permissions.ts'
import { parseName } from '../../../shared/rrset.ts'
import { createHttpRig } from '../../fakes/dns/hosted-rig.ts'
import { createRoute53Fake, route53Settings } from '../../fakes/dns/route53.ts'
import { renderArn, SETTINGS, synthesised } from './synthesised.ts'

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] }
}

interface Statement {
  readonly Sid?: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

/** Every statement of every role of the stack, as text; those of its own policies in one list. */
async function statements(context: Readonly<Record<string, string>> = {}, settings = SETTINGS) {
  const { cloud } = await synthesised(settings, context)
  expect(Object.keys(cloud.findResources('AWS::IAM::Policy'))).toEqual([])
  const policies = Object.values(cloud.findResources('AWS::IAM::ManagedPolicy'))
  const roles = Object.entries(cloud.findResources('AWS::IAM::Role'))
  return Object.fromEntries(
    roles.map(([id, { Properties }]) => {
      const attached = policies.filter((one) =>
        isDeepStrictEqual(one.Properties.Roles, [{ Ref: id }]),
      )
      const documents = [
        ...Properties.Policies.map((policy: Policy) => policy.PolicyDocument),
        ...attached.map((policy) => policy.Properties.PolicyDocument),
      ]
      const own = documents.flatMap((document) => document.Statement)
      return [
        id.replace(/[0-9A-F]{8}$/, ''),
        {
          managed: (Properties.ManagedPolicyArns ?? []).map(renderArn),
          inline: own.map(({ Sid = '', Effect, Action, Resource, Condition }: Statement) => ({
            ...{ sid: Sid, effect: Effect, actions: [Action].flat() },
            resources: [Resource].flat().map(renderArn),
            ...(Condition !== undefined && { condition: Condition }),
          })),
        },
      ]
    }),
  )
}

const change = 'route53:ChangeResourceRecordSets'
const conditionFor = (...names: string[]) => ({
  'ForAllValues:StringEquals': {
    [`${change}RecordTypes`]: ['A', 'AAAA'],
    [`${change}Actions`]: ['CREATE', 'DELETE'],
  },
  'ForAllValues:StringLike': { [`${change}NormalizedRecordNames`]: names },
  Null: {
    [`${change}RecordTypes`]: 'false',
    [`${change}Actions`]: 'false',
    [`${change}NormalizedRecordNames`]: 'false',
  },
})
const zoneArn = (id: string) => `arn:{Partition}:route53:::hostedzone/${id}`
const table = 'arn:{Partition}:dynamodb:{Region}:{AccountId}:table/reprefix'
const parameter = (name: string) =>
  `arn:{Partition}:ssm:{Region}:{AccountId}:parameter/reprefix/${name}`

it('the role of the function may do this, and nothing else', async () => {
  const { Role } = await statements()
  expect(Role).toEqual({
    managed: [],
    inline: [
      {
        sid: 'Log',
        effect: 'Allow',
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: ['{Log.Arn}'],
      },
      {
        sid: 'Items',
        effect: 'Allow',
        actions: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
        resources: [table],
      },
      {
        sid: 'Ranges',
        effect: 'Allow',
        actions: ['dynamodb:Query'],
        resources: [table, `${table}/index/unfinished`],
      },
      {
        sid: 'Secrets',
        effect: 'Allow',
        actions: ['ssm:GetParameters'],
        resources: ['ADMIN_TOKEN', 'DESEC_TOKEN', 'LOG_KEY', 'REPREFIX_URL'].map(parameter),
      },
      {
        sid: 'WriteZ0123456789ABC',
        effect: 'Allow',
        actions: [change],
        resources: [zoneArn('Z0123456789ABC')],
        condition: conditionFor('example.org', '*.example.org'),
      },
      {
        sid: 'WriteZ9876543210DEF',
        effect: 'Allow',
        actions: [change],
        resources: [zoneArn('Z9876543210DEF')],
        condition: conditionFor('home.example.org', '*.home.example.org'),
      },
      {
        sid: 'ReadZones',
        effect: 'Allow',
        actions: ['route53:ListResourceRecordSets'],
        resources: [zoneArn('Z0123456789ABC'), zoneArn('Z9876543210DEF')],
      },
      {
        sid: 'Published',
        effect: 'Allow',
        actions: ['route53:GetChange'],
        resources: ['arn:{Partition}:route53:::change/*'],
      },
    ],
  })
})

it('one other role is there: that which starts a new version may call it', async () => {
  const { Role: _, ...others } = await statements()
  expect(Object.values(others)).toEqual([
    {
      managed: ['arn:{Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
      inline: [
        {
          sid: '',
          effect: 'Allow',
          actions: ['lambda:InvokeFunction'],
          resources: ['{Function.Arn}:*'],
        },
      ],
    },
  ])
  expect(Object.keys(await statements({ start: 'later' }))).toEqual(['Role'])
})

it('names narrow down what may be written, each in its own zone', async () => {
  const { Role } = await statements({
    names: 'www.example.org, *.lab.example.org,nas.home.example.org',
  })
  const conditions = Role?.inline.flatMap(
    ({ condition }: { condition?: unknown }) => condition ?? [],
  )
  expect(conditions).toEqual([
    conditionFor('www.example.org', '*.lab.example.org'),
    conditionFor('nas.home.example.org'),
  ])
  const { Role: narrow } = await statements({ names: 'www.example.org' })
  const zones = narrow?.inline.filter(({ sid }) => /Write|ReadZones/.test(sid))
  expect(zones?.map(({ sid, resources }) => [sid, resources.length])).toEqual([
    ['WriteZ0123456789ABC', 1],
    ['ReadZones', 2],
  ])
})

/** Settings with so many zones at Route 53. */
function settingsOf(count: number): string {
  const zones = Array.from({ length: count }, (_, i) => `zone-${i}.example.org`)
  return `
url: https://reprefix.example.org
store: dynamodb:reprefix
log: { key: "\${env:LOG_KEY}" }
admin: { token: "\${env:ADMIN_TOKEN}" }
zones: { ${zones.map((zone) => `${zone}: { providers: [aws] }`).join(', ')} }
providers:
  aws: { type: route53, zoneIds: { ${zones.map((zone, i) => `${zone}: Z0123456789ABC${i}`).join(', ')} } }
`
}

it('many zones are in several policies, none of which is too large for IAM', async () => {
  const { cloud } = await synthesised(settingsOf(50))
  const policies = Object.values(cloud.findResources('AWS::IAM::ManagedPolicy'))
  const sizes = policies.map(({ Properties }) => {
    const text = JSON.stringify(Properties.PolicyDocument, (key, value) =>
      key === 'Resource' ? [value].flat().map(renderArn) : value,
    )
    return text.replaceAll('{Partition}', 'aws-us-gov').length
  })
  expect(sizes.length).toBeLessThanOrEqual(10)
  for (const size of sizes) expect(size).toBeLessThanOrEqual(6144)
  const { Role } = await statements({}, settingsOf(50))
  const writes = Role?.inline.filter(({ sid }) => sid.startsWith('WriteZ'))
  expect(writes).toHaveLength(50)
  await expect(synthesised(settingsOf(150))).rejects.toThrow(
    /too many for one role: leave -c names/,
  )
})

// What the program does is what the role permits: both sides of the table above.

it('the store uses those operations of DynamoDB and no others', async () => {
  const source = await readFile('cloud/store/dynamodb-operations.ts', 'utf8')
  const operations = [...source.matchAll(/api\.call\('(\w+)'/g)].map(([, name]) => name)
  // A transaction is permitted by what is in it, and those of the store put.
  expect(source.match(/\{ (?:Put|Update|Delete|ConditionCheck): /g)).toEqual(['{ Put: '])
  const due = [...TABLE_ACTIONS.map((action) => action.replace('dynamodb:', '')), 'Query']
  expect(operations.filter((one) => one !== 'TransactWriteItems').sort()).toEqual(due.sort())
})

it('the provider makes those changes at Route 53 and no others', async () => {
  const fake = await createRoute53Fake()
  const bodies: string[] = []
  const fetch: typeof fake.api.fetch = (url, init) => {
    bodies.push(
      init?.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : `${init?.body}`,
    )
    return fake.api.fetch(url, init)
  }
  const rig = createHttpRig(route53, route53Settings, { ...fake, api: { ...fake.api, fetch } })
  const name = parseName('www.example.test')
  const zone = await rig.provider.findZone(rig.zone)
  for (const values of [['2001:db8::1'], ['2001:db8::2'], undefined]) {
    const set = values && { name, type: 'AAAA' as const, ttl: 60, values }
    await rig.provider.apply(zone, [{ name, type: 'AAAA', set: set ?? null }])
  }
  await rig.close()
  const actions = bodies.flatMap((body) => [...body.matchAll(/<Action>(\w+)<\/Action>/g)])
  expect(actions.map(([, action]) => action)).toEqual(['CREATE', 'DELETE', 'CREATE', 'DELETE'])
  expect([...new Set(actions.map(([, action]) => action))].sort()).toEqual(CHANGE_ACTIONS)
})

it('hosts can claim those types and no others', () => {
  const types = ['A', 'AAAA', 'TXT', 'CNAME', 'NS'].filter((type) =>
    v.is(policyChangeSchema, { types: [type] }),
  )
  expect(types).toEqual(RECORD_TYPES)
})
