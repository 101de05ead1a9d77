import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { UNFINISHED_INDEX } from '../../cloud/store/dynamodb-keys.ts'
import { ReprefixError } from '../../shared/errors.ts'
import type { WritableZone } from './deployment.ts'

// Everything that the role of the function may do, beside its log.

/** What the store does. Nothing is ever deleted, updated in place or scanned. */
export const TABLE_ACTIONS = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem']
/** A record that changes is deleted as it was read and created anew; UPSERT would not compare. */
export const CHANGE_ACTIONS = ['CREATE', 'DELETE']
/** What a host can claim at all. */
export const RECORD_TYPES = ['A', 'AAAA']

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, less what encloses them. */
const MAX_POLICY_CHARACTERS = 6144 - 100
const MAX_POLICIES = 10

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

/** Reads of all zones, and writes of each: see `writeStatement`. */
export function zoneStatements(
  scope: Construct,
  zones: readonly WritableZone[],
): readonly PolicyStatement[] {
  if (zones.length === 0) return []
  const zoneArn = (id: string) => route53Arn(scope, `hostedzone/${id}`)
  return [
    ...zones
      .filter(({ names }) => names.length > 0)
      .map((zone) => writeStatement(zone, zoneArn(zone.id))),
    new PolicyStatement({
      sid: 'ReadZones',
      actions: ['route53:ListResourceRecordSets'],
      resources: zones.map(({ id }) => zoneArn(id)),
    }),
    new PolicyStatement({
      sid: 'Published',
      actions: ['route53:GetChange'],
      resources: [route53Arn(scope, 'change/*')],
    }),
  ]
}

/**
 * Addresses only, and only under the names of the zone. `ForAllValues` holds for a request without the
 * key too, which `Null` refuses.
 *
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 */
function writeStatement({ id, names }: WritableZone, zoneArn: string): PolicyStatement {
  const key = (name: string) => `route53:ChangeResourceRecordSets${name}`
  return new PolicyStatement({
    sid: `Write${id}`,
    actions: ['route53:ChangeResourceRecordSets'],
    resources: [zoneArn],
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
  })
}

/**
 * Statements in groups that each fit into a managed policy: some eight zones. A role has ten policies.
 * @throws ReprefixError CONFIG_INVALID when that is not enough
 */
export function inPolicies(
  statements: readonly PolicyStatement[],
): readonly (readonly PolicyStatement[])[] {
  const groups: { size: number; readonly statements: PolicyStatement[] }[] = []
  for (const statement of statements) {
    const size = JSON.stringify(statement.toStatementJson()).length
    const group = groups.at(-1)
    if (group === undefined || group.size + size > MAX_POLICY_CHARACTERS) {
      groups.push({ size, statements: [statement] })
    } else {
      group.size += size
      group.statements.push(statement)
    }
  }
  if (groups.length > MAX_POLICIES || groups.some(({ size }) => size > MAX_POLICY_CHARACTERS)) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      'the zones and names are too many for one role: leave -c names out, or divide the zones among clouds',
    )
  }
  return groups.map((group) => group.statements)
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

/** Its resources are in no region and belong to no account, as far as ARNs say. */
function route53Arn(scope: Construct, resource: string): string {
  return `arn:${Stack.of(scope).partition}:route53:::${resource}`
}
