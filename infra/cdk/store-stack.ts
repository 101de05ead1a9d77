import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb'
import type { Construct } from 'constructs'
import { UNFINISHED, UNFINISHED_INDEX } from '../../cloud/store/dynamodb-keys.ts'

/**
 * The table, in a stack of its own: a deployment of the function that fails, or its removal, does not
 * touch what cannot be made again.
 */
export class StoreStack extends Stack {
  constructor(scope: Construct, id: string, tableName: string) {
    super(scope, id, { description: 'What reprefix keeps: hosts, desired records, the audit log' })
    const table = new Table(this, 'Table', {
      tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    table.addGlobalSecondaryIndex({
      indexName: UNFINISHED_INDEX,
      partitionKey: { name: UNFINISHED, type: AttributeType.STRING },
      sortKey: { name: 'log_index', type: AttributeType.NUMBER },
      projectionType: ProjectionType.ALL,
    })
  }
}
