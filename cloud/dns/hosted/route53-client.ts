import * as v from 'valibot'
import { describeIssues } from '../../../shared/issue.ts'
import type { ProviderError, ProviderErrorKind } from '../../domain/dns-provider.ts'
import {
  apiFault,
  complaintIn,
  describeCause,
  type FaultRules,
  faultOfAnswer,
  type Purpose,
} from '../http/api-fault.ts'
import { readPatiently } from '../http/read-patiently.ts'
import { createRedactor } from '../http/redaction.ts'
import type { RateRule } from '../http/request-budget.ts'
import { readRetryAfter } from '../http/retry-after.ts'
import type { ProviderDependencies } from '../provider-type.ts'
import type { Route53Sdk } from './route53-sdk.ts'
import { createSdkTransport } from './route53-transport.ts'

/** An access key of an IAM user. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secret: string
}

/** A request with the words for its object. */
export interface Route53Request {
  readonly what: string
  readonly zone?: string
  send(sdk: Route53Sdk): Promise<unknown>
}

/** The SDK with our limits, retries and errors. Every fault is a ProviderError. */
export interface Route53Api {
  read<T>(request: Route53Request & { readonly answer: v.GenericSchema<unknown, T> }): Promise<T>
  /** Sends a change once. */
  write(request: Route53Request): Promise<unknown>
}

/** What an error of the SDK holds; `$response` is not enumerable. */
const sdkError = v.object({
  name: v.string(),
  message: v.string(),
  $metadata: v.object({ httpStatusCode: v.number() }),
  $response: v.optional(
    v.object({
      headers: v.record(v.string(), v.string()),
      body: v.optional(v.unknown()),
    }),
  ),
})

const KINDS: Readonly<Record<string, ProviderErrorKind>> = {
  AccessDenied: 'forbidden',
  AccessDeniedException: 'forbidden',
  ExpiredToken: 'auth',
  InvalidClientTokenId: 'auth',
  MissingAuthenticationToken: 'auth',
  // The clock of this machine is wrong by more than five minutes.
  RequestExpired: 'auth',
  SignatureDoesNotMatch: 'auth',
  UnrecognizedClientException: 'auth',
  PriorRequestNotComplete: 'conflict',
  Throttling: 'rate-limited',
  ThrottlingException: 'rate-limited',
}
/** What a batch says when records are not what they were when they were read. */
const CHANGED = /values provided do not match|but it was not found|but it already exists/
/** The bucket has five requests and gets five more every second. */
const THROTTLED_MS = 1000

const rules: FaultRules = {
  service: 'Route 53',
  kinds: KINDS,
  complaint: complaintIn(
    v.object({ name: v.string(), message: v.string() }),
    ({ name: code, message }) => ({
      code,
      message,
      ...(code === 'InvalidChangeBatch' && CHANGED.test(message) ? { kind: 'conflict' } : {}),
    }),
  ),
  remedies: {
    auth: 'check the access key in cloud.yaml, or the role where there is none, and the clock of this machine',
    forbidden:
      'permit route53:ListHostedZonesByName, GetChange, ListResourceRecordSets and ChangeResourceRecordSets to the key or the role',
  },
}

/**
 * A client for one access key, or for the credentials of the environment; the SDK is loaded with the
 * first request.
 */
export function createRoute53Api(
  key: AccessKey | undefined,
  limits: readonly RateRule[],
  dependencies: ProviderDependencies,
): Route53Api {
  const { fetch, deadline, now, budgets } = dependencies
  const redactor = createRedactor(key === undefined ? [] : [key.secret])
  const budget = budgets(`Route 53\n${key?.accessKeyId ?? ''}`, limits)
  let opened: Promise<Route53Sdk> | undefined

  async function open(): Promise<Route53Sdk> {
    const { openRoute53 } = await import('./route53-sdk.ts')
    return openRoute53({
      // All else is said here, so that no file and no variable of the machine changes where it goes.
      region: 'us-east-1',
      endpoint: 'https://route53.amazonaws.com',
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      defaultsMode: 'standard',
      retryMode: 'standard',
      ...(key && {
        credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secret },
      }),
      requestHandler: createSdkTransport({ fetch, deadline }),
      // Reads are tried again here, and writes never.
      maxAttempts: 1,
    })
  }

  function faultOf(purpose: Purpose, thrown: unknown): ProviderError {
    const fault = (kind: ProviderErrorKind, did: string) =>
      apiFault(rules, redactor, purpose, kind, did, { cause: thrown })
    const parsed = v.safeParse(sdkError, thrown)
    if (!parsed.success)
      return fault('transient', `could not be talked to: ${describeCause(thrown)}`)
    const { name, message, $metadata, $response } = parsed.output
    const status = $metadata.httpStatusCode
    const text =
      $response?.body instanceof Uint8Array ? new TextDecoder().decode($response.body) : ''
    if (status < 300) return fault('protocol', 'sent an answer that is no XML')
    const said = name === 'Unknown' ? readError(text) : { name, message }
    const bucketMs = status === 400 ? THROTTLED_MS : undefined
    const waitMs = readRetryAfter(new Headers($response?.headers), now()) ?? bucketMs
    const error = faultOfAnswer(rules, redactor, purpose, { status, body: said, waitMs })
    return error ?? fault('protocol', `answered ${status}`)
  }

  async function ask({ what, zone = '', send }: Route53Request, intent: Purpose['intent']) {
    const purpose: Purpose = { intent, what }
    await budget.take(intent, zone)
    opened ??= open()
    const sdk = await opened
    try {
      return await send(sdk)
    } catch (thrown) {
      const error = faultOf(purpose, thrown)
      if (error.retryAfterMs !== undefined) budget.block(error.retryAfterMs, intent, zone)
      throw error
    }
  }

  return {
    read: (request) =>
      readPatiently(async () => {
        const result = v.safeParse(request.answer, await ask(request, 'read'))
        if (result.success) return result.output
        const did = `sent an answer of another form: ${describeIssues(result.issues)}`
        throw apiFault(rules, redactor, { intent: 'read', what: request.what }, 'protocol', did)
      }, dependencies),
    write: (request) => ask(request, 'write'),
  }
}

/** The error in a body whose form the SDK does not know: it drops what such a body says. */
function readError(text: string): { readonly name: string; readonly message: string } | undefined {
  const root = /<(\w+)(?:\s[^>]*)?>\s*<(?:Messages|Error|Message)>/.exec(text)?.[1]
  const messages = [...text.matchAll(/<Message>([^<]*)<\/Message>/g)].map(([, one]) => one ?? '')
  const name = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? root
  return name === undefined ? undefined : { name, message: messages.join('; ') }
}
