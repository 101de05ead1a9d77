import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'

/** Where the table is, for messages. */
export interface TablePlace {
  readonly table: string
  readonly region: string
}

/** A condition did not hold, or another transaction was at the item: DynamoDB's two words for it. */
const BEATEN = ['ConditionalCheckFailed', 'TransactionConflict']
const THROTTLED = ['ThrottlingError', 'ProvisionedThroughputExceeded']

const KINDS: readonly (readonly [names: RegExp, code: ErrorCode, remedy: string])[] = [
  [
    /^(ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded)/,
    'STORE_BUSY',
    'could not confirm: it is asked more than its capacity allows; give it on-demand capacity',
  ],
  [
    /^(InternalServerError|TransactionInProgress|ServiceUnavailable|TimeoutError|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|NetworkingError)/,
    'STORE_BUSY',
    'could not confirm: AWS does not answer; it is tried again',
  ],
  [
    /^ResourceNotFound/,
    'STORE_FAILED',
    'there is no such table in this region; is the region right, and is the table made (docs/guides/stores.md)?',
  ],
  [
    /^AccessDenied/,
    'STORE_FAILED',
    'not permitted; the role needs dynamodb:GetItem, BatchGetItem, Query and PutItem on the table and its index',
  ],
  [
    /^(UnrecognizedClient|ExpiredToken|InvalidSignature|InvalidClientTokenId|CredentialsProviderError|IncompleteSignature|MissingAuthenticationToken)/,
    'STORE_FAILED',
    'AWS does not accept the credentials; see AWS_PROFILE, AWS_ACCESS_KEY_ID and the role',
  ],
  [/^ItemCollectionSizeLimitExceeded/, 'STORE_FULL', 'nothing was changed'],
]

/** True when another writer was first, which is for the log to judge. */
export function isBeaten(error: unknown): boolean {
  const name = nameOf(error)
  if (name !== 'TransactionCanceledException') {
    return BEATEN.some((one) => name === `${one}Exception`)
  }
  return reasonsOf(error).some((reason) => BEATEN.includes(reason))
}

/** True when a transaction was given up for lack of capacity, which the SDK does not try again. */
export function isThrottled(error: unknown): boolean {
  return (
    nameOf(error) === 'TransactionCanceledException' &&
    reasonsOf(error).some((reason) => THROTTLED.includes(reason))
  )
}

/** What to tell of an error of the SDK. Its own words are kept where they name the mistake. */
export function storeError(cause: unknown, { table, region }: TablePlace): ReprefixError {
  if (cause instanceof ReprefixError) return cause
  const what = `the DynamoDB table ${table} in ${region} failed`
  const name = isThrottled(cause) ? 'Throttling' : nameOf(cause)
  const [, code, remedy] = KINDS.find(([names]) => names.test(name)) ?? []
  if (code !== undefined) return new ReprefixError(code, `${what}: ${remedy}`, { cause })
  const message = [messageOf(cause), ...reasonsOf(cause)].join(' ')
  if (/key element|specified index/.test(message)) {
    const made = 'it needs the string keys pk and sk and the index "unfinished"'
    return new ReprefixError('STORE_FAILED', `${what}: ${made} (docs/guides/stores.md)`, { cause })
  }
  return new ReprefixError('STORE_FAILED', `${what}: ${message}`, { cause })
}

/** The error's class, or the code of one that came from the network. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return error.name === 'Error' || error.name === 'AggregateError' ? code : error.name
}

function reasonsOf(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null || !('CancellationReasons' in error)) return []
  const { CancellationReasons: reasons } = error
  if (!Array.isArray(reasons)) return []
  return reasons.map((reason) => String(reason?.Code))
}
