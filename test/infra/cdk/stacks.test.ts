import { Match, type Template } from 'aws-cdk-lib/assertions'
import { beforeAll, describe, expect, it } from 'vitest'
import { ReprefixError } from '../../../shared/errors.ts'
import { createLineLogger } from '../../../shared/line-logger.ts'
import { type Assembly, renderArn, SETTINGS, synthesised } from './synthesised.ts'

let assembly: Assembly
let cloud: Template
beforeAll(async () => {
  assembly = await synthesised()
  cloud = assembly.cloud
})

/** The properties of the one resource of a kind, or of those that `only` picks. */
function properties(type: string, template = cloud, only = (_: Record<string, unknown>) => true) {
  return Object.values(template.findResources(type))
    .map(({ Properties }) => Properties)
    .filter(only)
}
const isOurs = ({ Handler }: Record<string, unknown>) => Handler === 'index.handler'

describe('the function', () => {
  it('runs on a current Node, with a bound on what a flood can cost, and without tracing', () => {
    expect(properties('AWS::Lambda::Function', cloud, isOurs)).toEqual([
      {
        Architectures: ['arm64'],
        Code: expect.anything(),
        Description: 'The cloud of reprefix',
        Environment: { Variables: { REPREFIX_PARAMETERS: '/reprefix/' } },
        Handler: 'index.handler',
        LoggingConfig: { LogGroup: { Ref: expect.stringMatching(/^Log/) } },
        MemorySize: 512,
        ReservedConcurrentExecutions: 5,
        Role: expect.anything(),
        Runtime: 'nodejs24.x',
        Timeout: 60,
      },
    ])
  })

  it('is the built program with its settings, whose references are still references', () => {
    expect(assembly.deployed('index.mjs')).toBe('export const handler = 1\n')
    expect(assembly.deployed('chunks/a.mjs')).toBe('\n')
    expect(assembly.deployed('index.mjs.map')).toBeUndefined()
    expect(assembly.deployed('chunks/a.mjs.map')).toBeUndefined()
    const [, json = ''] =
      /^export default (.*)$/s.exec(assembly.deployed('settings.mjs') ?? '') ?? []
    expect(JSON.parse(json)).toMatchObject({
      runtime: 'lambda',
      settings: { url: '$' + '{env:REPREFIX_URL}', admin: { token: '$' + '{env:ADMIN_TOKEN}' } },
    })
  })

  it('holds no secret, although those of this machine are checked', async () => {
    const secrets = {
      ADMIN_TOKEN: 'token-of-the-operator-of-this-cloud',
      DESEC_TOKEN: 'token-of-the-dns-service',
    }
    const { texts } = await synthesised(SETTINGS, {}, secrets)
    for (const secret of Object.values(secrets)) expect(texts).not.toContain(secret)
    await expect(synthesised(SETTINGS, {}, { ADMIN_TOKEN: 'short' })).rejects.toThrow(
      /admin\.token: must have at least 24 characters/,
    )
  })

  it('is reached at the URL of its alias by everybody, and invoked otherwise by nobody', () => {
    expect(properties('AWS::Lambda::Url')).toEqual([
      { AuthType: 'NONE', Qualifier: 'live', TargetFunctionArn: expect.anything() },
    ])
    const permissions = properties('AWS::Lambda::Permission').map(({ FunctionName, ...rest }) => ({
      ...rest,
      on: renderArn(FunctionName),
    }))
    const on = expect.stringMatching(/^\{FunctionAliaslive/)
    expect(permissions).toHaveLength(3)
    expect(permissions).toEqual(
      expect.arrayContaining([
        { Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE', Principal: '*', on },
        { Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true, Principal: '*', on },
        {
          ...{ Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com', on },
          SourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^Pass/), 'Arn'] },
        },
      ]),
    )
  })

  it('is told its URL by a parameter where the settings ask for it, and only then', async () => {
    cloud.hasResourceProperties('AWS::SSM::Parameter', {
      ...{ Name: '/reprefix/REPREFIX_URL', Type: 'String' },
      Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('FunctionUrl'), 'FunctionUrl'] },
    })
    const fixed = SETTINGS.replace('"$' + '{env:REPREFIX_URL}"', 'https://reprefix.example.org')
    const other = await synthesised(fixed)
    other.cloud.resourceCountIs('AWS::SSM::Parameter', 0)
  })

  it('takes its parameters, limits and names from the command line', async () => {
    const { cloud: other } = await synthesised(SETTINGS, {
      ...{ parameters: '/home/dns/', concurrency: '20', passMinutes: '15', secrets: '2026-11' },
    })
    other.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'The cloud of reprefix, secrets of 2026-11',
      Environment: { Variables: { REPREFIX_PARAMETERS: '/home/dns/' } },
      ReservedConcurrentExecutions: 20,
    })
    other.hasResourceProperties('AWS::SSM::Parameter', { Name: '/home/dns/REPREFIX_URL' })
    other.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(15 minutes)' })
    const { cloud: unbound } = await synthesised(SETTINGS, { concurrency: 'none' })
    const [own] = properties('AWS::Lambda::Function', unbound, isOurs)
    expect(own).not.toHaveProperty('ReservedConcurrentExecutions')
  })
})

describe('a deployment', () => {
  const nameOf = (type: string) => Object.keys(cloud.findResources(type))[0]

  it('starts the new version before the URL leads to it', () => {
    cloud.hasResourceProperties('Custom::Trigger', {
      ...{ InvocationType: 'RequestResponse', ExecuteOnHandlerChange: true },
      HandlerArn: { Ref: nameOf('AWS::Lambda::Version') },
    })
    cloud.hasResource('AWS::Lambda::Alias', {
      Properties: {
        Name: 'live',
        FunctionVersion: { 'Fn::GetAtt': [nameOf('AWS::Lambda::Version'), 'Version'] },
      },
      DependsOn: Match.arrayWith([nameOf('Custom::Trigger')]),
    })
  })

  it('makes another version when secrets are said to be others', async () => {
    const { cloud: other } = await synthesised(SETTINGS, { secrets: '2' })
    expect(Object.keys(other.findResources('AWS::Lambda::Version'))).not.toEqual(
      Object.keys(cloud.findResources('AWS::Lambda::Version')),
    )
    const { cloud: same } = await synthesised()
    expect(Object.keys(same.findResources('AWS::Lambda::Version'))).toEqual(
      Object.keys(cloud.findResources('AWS::Lambda::Version')),
    )
  })

  it('starts nothing while there is no key for the log', async () => {
    const { cloud: first } = await synthesised(SETTINGS, { start: 'later' })
    first.resourceCountIs('Custom::Trigger', 0)
    first.resourceCountIs('AWS::Lambda::Function', 1)
    first.hasResourceProperties('AWS::Events::Rule', { State: 'DISABLED' })
    expect(properties('AWS::Lambda::Url', first)).toEqual(properties('AWS::Lambda::Url'))
  })
})

describe('passes', () => {
  it('are asked for by a rule, and not again when one fails', () => {
    expect(properties('AWS::Events::Rule')).toEqual([
      {
        Description: expect.any(String),
        ScheduleExpression: 'rate(5 minutes)',
        State: 'ENABLED',
        Targets: [
          {
            Arn: { Ref: expect.stringMatching(/^FunctionAliaslive/) },
            Id: 'Target0',
            RetryPolicy: { MaximumRetryAttempts: 0 },
          },
        ],
      },
    ])
    cloud.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      ...{ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 300 },
    })
  })
})

describe('the log of the function', () => {
  it('is kept for three months', () => {
    expect(properties('AWS::Logs::LogGroup')).toEqual([{ RetentionInDays: 90 }])
  })
})

describe('alarms', () => {
  it('watch errors, throttles, duration, the audit log and drift', () => {
    const alarms = properties('AWS::CloudWatch::Alarm').map(
      ({ MetricName, Statistic, Threshold, Period, TreatMissingData, AlarmActions }) =>
        [MetricName, Statistic, Threshold, Period, TreatMissingData, AlarmActions] as const,
    )
    expect(alarms).toEqual([
      ['Errors', 'Sum', 1, 300, 'notBreaching', undefined],
      ['Throttles', 'Sum', 1, 300, 'notBreaching', undefined],
      ['Duration', 'Maximum', 48_000, 300, 'notBreaching', undefined],
      ['reprefix/Log/LogAltered', 'Sum', 1, 300, 'notBreaching', undefined],
      ['reprefix/Log/Drift', 'Sum', 1, 300, 'notBreaching', undefined],
    ])
  })

  it('go to an address where there is one, encrypted on the way', async () => {
    const { cloud: mailed } = await synthesised(SETTINGS, { alarmEmail: 'you@example.org' })
    const [topic] = Object.keys(mailed.findResources('AWS::SNS::Topic'))
    const actions = properties('AWS::CloudWatch::Alarm', mailed).map((one) => one.AlarmActions)
    expect(actions).toEqual(Array(5).fill([{ Ref: topic }]))
    mailed.hasResourceProperties('AWS::SNS::Subscription', {
      ...{ Endpoint: 'you@example.org', Protocol: 'email' },
    })
    cloud.resourceCountIs('AWS::SNS::Topic', 0)
  })

  const lineOf = (fields: Readonly<Record<string, unknown>>) => {
    const lines: string[] = []
    const write = (text: string) => void lines.push(text)
    createLineLogger({ level: 'info', name: 'reprefix', write }).error(fields, 'a line')
    return JSON.parse(lines[0] ?? '')
  }
  const altered = new ReprefixError('LOG_ALTERED', 'the last row is another')
  it.each([
    ['LogAltered', { error: altered }, true],
    ['LogAltered', { error: new ReprefixError('STORE_FAILED', 'x', { cause: altered }) }, true],
    ['LogAltered', { error: new ReprefixError('LOG_KEY_MISMATCH', 'x') }, true],
    ['LogAltered', { error: new ReprefixError('STORE_BUSY', 'x') }, false],
    ['LogAltered', { event: 'drift' }, false],
    ['Drift', { event: 'drift', name: 'www.example.org' }, true],
    ['Drift', { event: 'enroll' }, false],
  ])('count lines for %s as the cloud writes them: %j', (metric, fields, isCounted) => {
    const [filter] = properties(
      'AWS::Logs::MetricFilter',
      cloud,
      ({ MetricTransformations }) =>
        Object(MetricTransformations)[0].MetricName === `reprefix/Log/${metric}`,
    )
    expect(matches(filter?.FilterPattern, lineOf(fields))).toBe(isCounted)
  })
})

/** Whether a line is one that a pattern of alternatives counts; any other pattern is a mistake here. */
function matches(pattern: string, line: unknown): boolean {
  const [, inside = ''] = /^\{ (.*) \}$/.exec(pattern) ?? []
  return inside.split(' || ').some((term) => {
    const match = /^\(?\$\.([\w.]+) = "(\w+)"\)?$/.exec(term)
    if (match === null) throw new Error(`cannot read ${term}`)
    const [, path = '', value] = match
    return path.split('.').reduce((node, key) => Object(node)[key], line) === value
  })
}

describe('the table', () => {
  it('is paid by request, recoverable to any second, and not removed by accident', () => {
    assembly.store?.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        ...{ TableName: 'reprefix', BillingMode: 'PAY_PER_REQUEST' },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      },
      ...{ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' },
    })
    expect(Object.keys(assembly.store?.toJSON().Resources)).toHaveLength(1)
  })

  it('is left alone where it is there already', async () => {
    const { store, cloud: own } = await synthesised(SETTINGS, { table: 'existing' })
    expect(store).toBeUndefined()
    own.resourceCountIs('AWS::DynamoDB::Table', 0)
  })
})
