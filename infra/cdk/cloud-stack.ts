import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import {
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Code,
  FunctionUrlAuthType,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { Trigger } from 'aws-cdk-lib/triggers'
import type { Construct } from 'constructs'
import { PARAMETERS_VARIABLE } from '../../cloud/parameter-store.ts'
import { Alarms } from './alarms.ts'
import type { Deployment } from './deployment.ts'
import { MEMORY_MB } from './function-size.ts'
import { inPolicies, parameterStatements, tableStatements, zoneStatements } from './permissions.ts'

/** A pass over many zones waits for the limits of their provider. */
const TIMEOUT = Duration.seconds(60)

/**
 * The function with its URL, schedule and alarms; nothing in it is lost when it is removed.
 *
 * The URL belongs to an alias that moves to a new version after that has started with its settings and
 * secrets: one that cannot start fails the deployment, and the one before goes on.
 */
export class CloudStack extends Stack {
  constructor(scope: Construct, id: string, deployment: Deployment, programDirectory: string) {
    super(scope, id, { description: 'The cloud of reprefix: takes reports, writes DNS' })
    const { options, warnings } = deployment
    const startsNow = options.start === 'now'
    for (const warning of warnings) Annotations.of(this).addWarningV2('reprefix:settings', warning)

    const logGroup = new LogGroup(this, 'Log', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = this.#role(deployment, logGroup)
    const cloud = new LambdaFunction(this, 'Function', {
      description: ['The cloud of reprefix', options.secrets].filter(Boolean).join(', secrets of '),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(programDirectory),
      handler: 'index.handler',
      memorySize: MEMORY_MB,
      timeout: TIMEOUT,
      ...(options.concurrency !== 'none' && {
        reservedConcurrentExecutions: options.concurrency,
      }),
      environment: { [PARAMETERS_VARIABLE]: options.parameters },
      role,
      logGroup,
      tracing: Tracing.DISABLED,
    })
    for (const [i, statements] of inPolicies(zoneStatements(this, deployment.zones)).entries()) {
      // Before the function starts.
      cloud.node.addDependency(
        new ManagedPolicy(this, `Zones${i + 1}`, { statements: [...statements], roles: [role] }),
      )
    }
    const live = cloud.addAlias('live')
    // The next pass comes anyway.
    live.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(5) })
    if (startsNow) new Trigger(this, 'Start', { handler: cloud }).executeBefore(live)

    const { url } = live.addFunctionUrl({ authType: FunctionUrlAuthType.NONE })
    if (deployment.urlParameter !== undefined) {
      new StringParameter(this, 'Url', {
        parameterName: deployment.urlParameter,
        stringValue: url,
        description: 'The public URL of reprefix, which hosts sign their reports for',
      })
    }
    const pass = new Rule(this, 'Pass', {
      description: 'Finishes what was left, and puts right what others changed',
      schedule: Schedule.rate(Duration.minutes(options.passMinutes)),
      enabled: startsNow,
      targets: [
        { bind: () => ({ arn: live.functionArn, retryPolicy: { maximumRetryAttempts: 0 } }) },
      ],
    })
    live.addPermission('Pass', {
      principal: new ServicePrincipal('events.amazonaws.com'),
      sourceArn: pass.ruleArn,
    })
    new Alarms(this, 'Alarms', {
      ...{ function: cloud, logGroup, timeout: TIMEOUT },
      ...(options.alarmEmail !== undefined && { email: options.alarmEmail }),
    })
    new CfnOutput(this, 'CloudUrl', { value: url, description: 'What agents report to' })
    new CfnOutput(this, 'LogGroup', { value: logGroup.logGroupName })
  }

  #role(deployment: Deployment, logGroup: LogGroup): Role {
    return new Role(this, 'Role', {
      description: 'What the cloud of reprefix may do',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        cloud: new PolicyDocument({
          statements: [
            new PolicyStatement({
              sid: 'Log',
              actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              resources: [logGroup.logGroupArn],
            }),
            ...tableStatements(this, deployment.table),
            ...parameterStatements(this, deployment.parameters),
          ],
        }),
      },
    })
  }
}
