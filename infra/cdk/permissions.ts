import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { UNFINISHED_INDEX } from '../../cloud/store/dynamodb-keys.ts'
import type { WritableZone } from './deployment.ts'

// Everything that the role of the function may do, beside its log.

/** What the store does. Nothing is ever deleted, updated in place or scanned. */
export const TABLE_ACTIONS = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem']
/** A record that changes is deleted as it was read and created anew; UPSERT would not compare. */
export const CHANGE_ACTIONS = ['CREATE', 'DELETE']
/** What a host can claim at all. */
export const RECORD_TYPES = ['A', 'AAAA']

/** The log of the cloud can be read and appended to; who may do more is not the function. */
export function tableStatements(scope: Construct, table: string): readonly PolicyStatement[] {
  const arn = arnOf(scope, 'dynamodb', `table/${table}`)
  return [
    new PolicyStatement({ sid: 'Items', actions: TABLE_ACTIONS, resources: [arn] }),
    new PolicyStatement({
      sid: 'Ranges',
      actions: ['dynamodb:Query'],
      resources: [arn, `${arn}/index/${UNFINISHED_INDEX}`],
    }),
  ]
}

/**
 * One statement for each zone: addresses only, and only under its names. `ForAllValues` holds for a
 * request without the key too, which `Null` refuses.
 *
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 */
export function zoneStatements(
  scope: Construct,
  zones: readonly WritableZone[],
): readonly PolicyStatement[] {
  if (zones.length === 0) return []
  const { partition } = Stack.of(scope)
  const arn = (path: string) => `arn:${partition}:route53:::${path}`
  const key = (name: string) => `route53:ChangeResourceRecordSets${name}`
  return [
    ...zones.map(
      ({ id, names }) =>
        new PolicyStatement({
          sid: `Write${id}`,
          actions: ['route53:ChangeResourceRecordSets'],
          resources: [arn(`hostedzone/${id}`)],
          conditions: {
            'ForAllValues:StringEquals': {
              [key('RecordTypes')]: RECORD_TYPES,
              [key('Actions')]: CHANGE_ACTIONS,
            },
            'ForAllValues:StringLike': { [key('NormalizedRecordNames')]: names },
            Null: {
              [key('RecordTypes')]: 'false',
              [key('Actions')]: 'false',
              [key('NormalizedRecordNames')]: 'false',
            },
          },
        }),
    ),
    new PolicyStatement({
      sid: 'ReadZones',
      actions: ['route53:ListResourceRecordSets'],
      resources: zones.map(({ id }) => arn(`hostedzone/${id}`)),
    }),
    new PolicyStatement({
      sid: 'Published',
      actions: ['route53:GetChange'],
      resources: [arn('change/*')],
    }),
  ]
}

/** Just the parameters that the settings refer to. */
export function parameterStatements(
  scope: Construct,
  names: readonly string[],
): readonly PolicyStatement[] {
  if (names.length === 0) return []
  const resources = names.map((name) => arnOf(scope, 'ssm', `parameter${name}`))
  return [new PolicyStatement({ sid: 'Secrets', actions: ['ssm:GetParameters'], resources })]
}

function arnOf(scope: Construct, service: string, resource: string): string {
  const { partition, region, account } = Stack.of(scope)
  return `arn:${partition}:${service}:${region}:${account}:${resource}`
}
