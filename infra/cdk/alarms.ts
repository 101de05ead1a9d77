import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { ErrorCode } from '../../shared/errors.ts'

/** What is watched, and who is told. */
export interface AlarmProps {
  readonly function: LambdaFunction
  readonly logGroup: LogGroup
  readonly timeout: Duration
  readonly email?: string
}

/** Faults that say that the log was changed, or is signed with another key. */
const LOG_FAULTS: readonly ErrorCode[] = ['LOG_ALTERED', 'LOG_MISSING_ROW', 'LOG_KEY_MISMATCH']
const PERIOD = Duration.minutes(5)
/** A part of the timeout that an invocation takes only when something is wrong. */
const LONG = 0.8
const NAMESPACE = 'Reprefix'

/** Alarms about what the cloud cannot tell anybody itself; quiet while nothing happens. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id)
    const { function: watched, logGroup, timeout } = props
    const topic = props.email === undefined ? undefined : this.#topicFor(props.email)
    const sum = { period: PERIOD, statistic: Stats.SUM }

    const raise = (name: string, metric: IMetric, threshold: number, description: string) => {
      const alarm = new Alarm(this, name, {
        metric,
        threshold,
        alarmDescription: description,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      if (topic !== undefined) alarm.addAlarmAction(new SnsAction(topic))
    }
    const counted = (name: string, pattern: ReturnType<typeof FilterPattern.any>) =>
      new MetricFilter(this, `${name}Lines`, {
        logGroup,
        filterPattern: pattern,
        metricNamespace: NAMESPACE,
        metricName: `${logGroup.node.path}/${name}`,
        metricValue: '1',
      }).metric(sum)

    raise('Errors', watched.metricErrors(sum), 1, 'A pass failed, or the function cannot start')
    raise(
      'Throttles',
      watched.metricThrottles(sum),
      1,
      'More requests at a time than -c concurrency',
    )
    raise(
      'Duration',
      watched.metricDuration({ period: PERIOD, statistic: Stats.MAXIMUM }),
      timeout.toMilliseconds() * LONG,
      'An invocation came near its time limit: does a DNS provider not answer?',
    )
    raise(
      'LogAltered',
      counted('LogAltered', logFaults()),
      1,
      'The audit log is not what was written',
    )
    raise(
      'Drift',
      counted('Drift', drift()),
      1,
      'A record was changed by somebody else, and put right',
    )
  }

  #topicFor(email: string): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true })
    topic.addSubscription(new EmailSubscription(email))
    return topic
  }
}

/** The code is on the error of the line, or on what caused it. */
function logFaults() {
  const places = ['$.error.code', '$.error.cause.code']
  return FilterPattern.any(
    ...LOG_FAULTS.flatMap((code) =>
      places.map((place) => FilterPattern.stringValue(place, '=', code)),
    ),
  )
}

function drift() {
  return FilterPattern.any(FilterPattern.stringValue('$.event', '=', 'drift'))
}
