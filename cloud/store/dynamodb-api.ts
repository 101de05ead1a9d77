import type {
  AttributeValue,
  BatchGetItemCommandInput,
  GetItemCommandInput,
  PutItemCommandInput,
  QueryCommandInput,
  TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb'

/** An item as DynamoDB has it. */
export type Attributes = Record<string, AttributeValue>

/** What each operation takes. */
export interface Inputs {
  readonly GetItem: GetItemCommandInput
  readonly BatchGetItem: BatchGetItemCommandInput
  readonly Query: QueryCommandInput
  readonly PutItem: PutItemCommandInput
  readonly TransactWriteItems: TransactWriteItemsCommandInput
}

/** What of the answers is looked at. */
export interface Answer {
  readonly Item?: Attributes | undefined
  readonly Items?: readonly Attributes[] | undefined
  readonly LastEvaluatedKey?: Attributes | undefined
  readonly Responses?: Readonly<Record<string, readonly Attributes[]>> | undefined
  readonly UnprocessedKeys?: Readonly<Record<string, UnreadKeys>> | undefined
}

interface UnreadKeys {
  readonly Keys?: Attributes[] | undefined
}

/**
 * The five operations of DynamoDB that the store needs. A request is tried three times; what is thrown then
 * has the name of DynamoDB's error, or the code of one that came from the network.
 */
export interface DynamoApi {
  readonly region: string
  call<Operation extends keyof Inputs>(
    operation: Operation,
    input: Inputs[Operation],
  ): Promise<Answer>
  close(): void
}

/** An answer takes some 10 ms: one that has not come by then is worth another try. */
export const REQUEST_TIMEOUT_MS = 1500
/** Of a request, with full jitter, at throttling, faults of AWS and of the network. */
export const REQUEST_ATTEMPTS = 3
