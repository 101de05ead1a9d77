import { AwsClient } from 'aws4fetch'
import * as v from 'valibot'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import {
  type Answer,
  type Attributes,
  type DynamoApi,
  REQUEST_ATTEMPTS,
  REQUEST_TIMEOUT_MS,
} from './dynamodb-api.ts'
import type { DynamoDeps } from './dynamodb-table.ts'

/** All that a request to DynamoDB needs. */
export interface DynamoAccess {
  readonly region: string
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

const FIRST_PAUSE_MS = 50
const RETRIED =
  /^(?:ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|TransactionInProgress|InternalServer|ServiceUnavailable|TimeoutError|NetworkingError)/

/**
 * DynamoDB over its JSON interface, signed by aws4fetch: what an instance can ask within milliseconds of
 * its start, which the SDK takes a tenth of a second to load for. Only for credentials that stay the same.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 */
export function openHttpApi(access: DynamoAccess, deps: DynamoDeps): DynamoApi {
  const { region, endpoint, accessKeyId, secretAccessKey, sessionToken } = access
  const client = new AwsClient({
    ...{ accessKeyId, secretAccessKey, region, service: 'dynamodb' },
    ...(sessionToken !== undefined && { sessionToken }),
  })

  async function once(operation: string, body: string): Promise<Answer> {
    const request = await client.sign(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body,
    })
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const { status, text } = await fetch(request, { signal, redirect: 'manual' })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch((cause: unknown) => {
        const name = signal.aborted ? 'TimeoutError' : 'NetworkingError'
        throw named(name, 'DynamoDB did not answer', { cause })
      })
    if (status !== 200) throw faultOf(status, text)
    const answer = v.safeParse(answerSchema, parseJson(text))
    if (answer.success) return answer.output
    throw new Error('DynamoDB sent an answer of another form')
  }

  return {
    region,
    async call(operation, input) {
      // A transaction that is asked for again after its answer was lost is not stored twice.
      const isTransaction = operation === 'TransactWriteItems'
      const whole = isTransaction ? { ClientRequestToken: crypto.randomUUID(), ...input } : input
      const body = JSON.stringify(whole, bytesAsBase64)
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(operation, body)
        } catch (error) {
          const isWorthIt = error instanceof Error && RETRIED.test(error.name)
          if (!isWorthIt || attempt === REQUEST_ATTEMPTS) throw error
        }
        await deps.sleep(deps.random() * FIRST_PAUSE_MS * 2 ** attempt)
      }
    },
    close: () => undefined,
  }
}

/** `JSON.stringify` of bytes would write a member for each. */
function bytesAsBase64(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? encodeBase64(value) : value
}

const bytesSchema = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return decodeBase64(dataset.value)
    } catch {
      addIssue()
      return NEVER
    }
  }),
)
/** Types that this program never writes are told of by whoever decodes the item. */
const attributeSchema: v.GenericSchema<unknown, Attributes[string]> = v.lazy(() =>
  v.union([
    v.strictObject({ S: v.string() }),
    v.strictObject({ N: v.string() }),
    v.strictObject({ B: bytesSchema }),
    v.strictObject({ L: v.array(attributeSchema) }),
    v.strictObject({ M: v.record(v.string(), attributeSchema) }),
    v.strictObject({ NULL: v.literal(true) }),
    v.strictObject({ BOOL: v.boolean() }),
    v.strictObject({ SS: v.array(v.string()) }),
    v.strictObject({ NS: v.array(v.string()) }),
    v.strictObject({ BS: v.array(bytesSchema) }),
  ]),
)
const itemSchema = v.record(v.string(), attributeSchema)
const answerSchema = v.object({
  Item: v.optional(itemSchema),
  Items: v.optional(v.array(itemSchema)),
  LastEvaluatedKey: v.optional(itemSchema),
  Responses: v.optional(v.record(v.string(), v.array(itemSchema))),
  UnprocessedKeys: v.optional(
    v.record(v.string(), v.object({ Keys: v.optional(v.array(itemSchema)) })),
  ),
})
const faultSchema = v.object({
  __type: v.string(),
  message: v.optional(v.string()),
  Message: v.optional(v.string()),
  CancellationReasons: v.optional(v.array(v.object({ Code: v.optional(v.string()) }))),
})

/** An error with DynamoDB's own name. */
function faultOf(status: number, text: string): Error {
  const fault = v.safeParse(faultSchema, parseJson(text))
  if (!fault.success) {
    const name = status >= 500 ? 'ServiceUnavailable' : 'UnknownError'
    return named(name, `DynamoDB answered with ${status}`)
  }
  const { __type: type, CancellationReasons } = fault.output
  const message = fault.output.message ?? fault.output.Message ?? 'without a reason'
  const own = type.replace(/^.*#/, '')
  // A name that nobody has heard of is still a fault of AWS, by its status.
  const name = status >= 500 && !RETRIED.test(own) ? 'InternalServerError' : own
  return Object.assign(named(name, message), CancellationReasons && { CancellationReasons })
}

function named(name: string, message: string, options?: ErrorOptions): Error {
  return Object.assign(new Error(message, options), { name })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
