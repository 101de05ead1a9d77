import * as v from 'valibot'
import { describeIssues } from '../../../shared/issue.ts'
import { ProviderError, type ProviderErrorKind } from '../../domain/dns-provider.ts'
import {
  apiFault,
  describeCause,
  type FaultRules,
  faultOfAnswer,
  type Purpose,
} from './api-fault.ts'
import { readBoundedText } from './bounded-body.ts'
import { readPatiently } from './read-patiently.ts'
import { createRedactor } from './redaction.ts'
import type { RequestBudget } from './request-budget.ts'
import { readExhaustion, readRetryAfter } from './retry-after.ts'

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What a client needs from outside. */
export interface ApiDependencies {
  readonly fetch: Fetch
  readonly now: () => Date
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to below 1, for the jitter of retries. */
  readonly random: () => number
  /** A signal that fires after so many milliseconds. */
  readonly deadline: (ms: number) => AbortSignal
}

/** A request as it goes out. `body` is what is sent, byte for byte. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** One API of JSON, or one that answers in plain text. */
export interface ApiOptions extends FaultRules {
  /** Without a trailing slash. */
  readonly baseUrl: string
  /** Sent with every request; those that hold a credential too. */
  readonly headers?: Readonly<Record<string, string>>
  /** Credentials that belong into every JSON body. */
  readonly bodyFields?: Readonly<Record<string, string>>
  /** Credentials that belong into every query. */
  readonly queryFields?: Readonly<Record<string, string>>
  /** Signs a request, or adds a token to it; `keepSecret` hides what it has fetched for that. */
  readonly sign?: (
    request: OutgoingRequest,
    keepSecret: (secret: string) => void,
  ) => OutgoingRequest | Promise<OutgoingRequest>
  /** Everything that must never be seen in a message. */
  readonly secrets: readonly string[]
  /** True when the answers' quota headers say when requests are taken again. */
  readonly hasQuotaHeaders?: boolean
  /** `json` when left out. */
  readonly answers?: 'json' | 'text'
  readonly timeoutMs?: number
  /** How often a read is sent while the service fails; once, where another client tries again. */
  readonly maxAttempts?: number
}

/** A request for one object or list. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL; made with `urlPath`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Conditions, which hold for this request alone. */
  readonly headers?: Readonly<Record<string, string>>
  /** The object in words, for messages: `zone example.org`. */
  readonly what: string
  /** The zone whose allowance is used. */
  readonly zone?: string
}

/** A request that changes nothing. `answer` decodes the body, which is untrusted. */
export interface ApiRead<T> extends ApiRequest {
  readonly answer: v.GenericSchema<unknown, T>
}

/** A decoded answer. */
export interface ApiAnswer<T> {
  readonly value: T
  readonly headers: Headers
}

/** A JSON API with its authentication, limits and errors. Every fault is a ProviderError. */
export interface ApiClient {
  /** Reads, and tries again a few times while the service fails. */
  read<T>(request: ApiRead<T>): Promise<T>
  /** Like `read`, with the headers of the answer. */
  readWithHeaders<T>(request: ApiRead<T>): Promise<ApiAnswer<T>>
  /** Like `read`; undefined when the service says that there is no such object. */
  readIfPresent<T>(request: ApiRead<T>): Promise<T | undefined>
  /** Sends a change once, whatever happens: only reading tells whether it took effect. */
  write(request: ApiRequest): Promise<unknown>
}

const TIMEOUT_MS = 10_000
/** A list of some ten thousand records. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  /** Undefined when there is none, or none that is JSON. */
  readonly body: unknown
  readonly isBroken: boolean
}

/** Builds the client of one API for one credential; it sends nothing by itself. */
export function createApiClient(
  options: ApiOptions,
  budget: RequestBudget,
  { fetch, now, sleep, random, deadline }: ApiDependencies,
): ApiClient {
  const redactor = createRedactor(options.secrets)
  const fault = (
    purpose: Purpose,
    kind: ProviderErrorKind,
    did: string,
    cause?: unknown,
  ): ProviderError => apiFault(options, redactor, purpose, kind, did, { cause })

  async function render(request: ApiRequest): Promise<OutgoingRequest> {
    const url = new URL(options.baseUrl + request.path)
    const query = Object.entries({ ...request.query, ...options.queryFields })
    for (const [name, value] of query) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const body =
      options.bodyFields === undefined || typeof (request.body ?? {}) !== 'object'
        ? request.body
        : { ...options.bodyFields, ...Object(request.body) }
    const outgoing: OutgoingRequest = {
      method: request.method ?? 'GET',
      url: url.href,
      headers: {
        accept: options.answers === 'text' ? 'text/plain' : 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
        ...request.headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    }
    return (await options.sign?.(outgoing, redactor.add)) ?? outgoing
  }

  async function exchange(request: ApiRequest, purpose: Purpose): Promise<RawAnswer> {
    try {
      const { method, url, headers, body } = await render(request)
      const response = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        // Following one would carry the credential to wherever it points.
        redirect: 'manual',
        signal: deadline(options.timeoutMs ?? TIMEOUT_MS),
      })
      const text = await readBoundedText(response, MAX_BODY_BYTES)
      if (text === undefined) {
        throw fault(purpose, 'protocol', `sent more than ${MAX_BODY_BYTES} bytes`)
      }
      const parsed = options.answers === 'text' ? { body: text, isBroken: false } : parseJson(text)
      return { status: response.status, headers: response.headers, ...parsed }
    } catch (thrown) {
      if (thrown instanceof ProviderError) throw thrown
      throw fault(purpose, 'transient', `could not be talked to: ${describeCause(thrown)}`, thrown)
    }
  }

  /** One request. An answer that reports an error becomes a fault, and the budget learns from it. */
  async function ask(request: ApiRequest, purpose: Purpose): Promise<RawAnswer> {
    await budget.take(purpose.intent, request.zone ?? '')
    const answer = await exchange(request, purpose)
    const { hasQuotaHeaders = false } = options
    const emptyMs = hasQuotaHeaders ? readExhaustion(answer.headers, now()) : undefined
    const waitMs = readRetryAfter(answer.headers, now()) ?? emptyMs
    const error = faultOfAnswer(options, redactor, purpose, { ...answer, waitMs })
    const pauseMs = error === undefined ? emptyMs : error.retryAfterMs
    if (pauseMs !== undefined) budget.block(pauseMs, purpose.intent, request.zone ?? '')
    if (error !== undefined) throw error
    if (answer.isBroken) throw fault(purpose, 'transient', 'sent an answer that is cut off')
    return answer
  }

  function decode<T>(request: ApiRead<T>, purpose: Purpose, answer: RawAnswer): ApiAnswer<T> {
    const result = v.safeParse(request.answer, answer.body)
    if (result.success) return { value: result.output, headers: answer.headers }
    throw fault(
      purpose,
      'protocol',
      `sent an answer of another form: ${describeIssues(result.issues)}`,
    )
  }

  async function readWithHeaders<T>(request: ApiRead<T>): Promise<ApiAnswer<T>> {
    const purpose: Purpose = { intent: 'read', what: request.what }
    return await readPatiently(async () => decode(request, purpose, await ask(request, purpose)), {
      sleep,
      random,
      maxAttempts: options.maxAttempts,
    })
  }

  return {
    readWithHeaders,
    read: async (request) => (await readWithHeaders(request)).value,
    async readIfPresent(request) {
      try {
        return (await readWithHeaders(request)).value
      } catch (error) {
        if (error instanceof ProviderError && error.kind === 'zone-not-found') return undefined
        throw error
      }
    },
    write: async (request) => (await ask(request, { intent: 'write', what: request.what })).body,
  }
}

/** A body that is cut off is not JSON; neither is the page of a proxy, which its status explains. */
function parseJson(text: string): { readonly body: unknown; readonly isBroken: boolean } {
  if (text.trim() === '') return { body: undefined, isBroken: false }
  try {
    return { body: JSON.parse(text), isBroken: false }
  } catch {
    return { body: undefined, isBroken: true }
  }
}
