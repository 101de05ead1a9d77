import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Fetch } from '../../../cloud/dns/http/api-client.ts'

/** A request as a fake sees it. */
export interface FakeRequest {
  readonly method: string
  /** As the service publishes it, query included. */
  readonly url: string
  /** As it arrived, below the base URL. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
  /** The body as it came. */
  readonly text: string
  /** What stands for each `:name` of the route, in order. */
  readonly params: readonly string[]
}

/** An answer; a string goes out as HTML, anything else as JSON. */
export interface FakeAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One endpoint. Writes are counted, and have faults of their own. */
export interface FakeRoute {
  readonly method: string
  /** `/zones/:zone/records/:id`, below the base URL. */
  readonly path: string
  readonly kind: 'read' | 'write' | ((body: unknown) => 'read' | 'write')
  /** Where the body says what is asked for. */
  when?(body: unknown): boolean
  answer(request: FakeRequest): FakeAnswer
}

/** What goes wrong with a request. */
export type Fault =
  | { readonly kind: 'answer'; readonly answer: FakeAnswer }
  | { readonly kind: 'timeout' | 'reset'; readonly when: 'before' | 'after' }
  /** Takes effect; the answer breaks off in the middle. */
  | { readonly kind: 'truncated' }
  /** A read that sees what was there the last time it was asked. */
  | { readonly kind: 'stale' }

/** A fault for the next requests of a kind, after `skip` of them went well. */
export interface Injection {
  readonly on: 'read' | 'write'
  readonly fault: Fault
  readonly times: number
  readonly skip?: number
}

/** What makes a fake of one service. */
export interface FakeOptions {
  /** As the service publishes it. */
  readonly baseUrl: string
  /** Other URLs of the service, and the paths of the fake that stand for them. */
  readonly otherUrls?: Readonly<Record<string, string>>
  readonly routes: readonly FakeRoute[]
  /** How bodies of requests come; JSON when left out. */
  readonly bodies?: 'json' | 'text'
  /** The answer to a request without the right credential; undefined lets it through. */
  refuse(request: FakeRequest): FakeAnswer | undefined
  /** What the service answers to a path that it does not have. */
  readonly unknown: FakeAnswer
}

/** A stateful service on a loopback port, which fails when told to. */
export interface FakeApi {
  /** Where it listens, for programs that are told where their service is. */
  readonly url: string
  /** Reaches the fake under the URLs of the service, and nothing else. */
  readonly fetch: Fetch
  /** A time limit that passes when the fake lets a request hang, and never before. */
  readonly deadline: () => AbortSignal
  inject(injection: Injection): void
  clearFaults(): void
  beforeNextWrite(act: () => Promise<void>): void
  writes(): number
  reads(): number
  close(): Promise<void>
}

interface Pending {
  readonly injection: Injection
  left: number
  skip: number
}

/** Starts a fake; it listens on a free port of 127.0.0.1. */
export async function createFakeApi(options: FakeOptions): Promise<FakeApi> {
  const counts = { read: 0, write: 0 }
  const remembered = new Map<string, FakeAnswer>()
  const limits = new Set<AbortController>()
  let faults: Pending[] = []
  let interloper: (() => Promise<void>) | undefined

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://fake.invalid')
      const text = Buffer.concat(chunks).toString('utf8')
      const seen = {
        method: incoming.method ?? 'GET',
        url: `${options.baseUrl}${incoming.url}`,
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: options.bodies === 'text' && text !== '' ? text : parseBody(text),
        text,
      }
      serve(seen, `${seen.method} ${incoming.url} ${text}`, response).catch((error: unknown) => {
        response.writeHead(599, { 'content-type': 'text/plain' }).end(String(error))
      })
    })
  })

  async function serve(
    request: Omit<FakeRequest, 'params'>,
    identity: string,
    response: ServerResponse,
  ): Promise<void> {
    const found = options.routes.flatMap((route) => {
      const params = route.method === request.method ? match(route.path, request.path) : undefined
      const isMeant = route.when?.(request.body) !== false
      return params === undefined || !isMeant ? [] : [{ route, params }]
    })[0]
    const told = found?.route.kind ?? 'read'
    const kind = typeof told === 'string' ? told : told(request.body)
    counts[kind] += 1
    if (kind === 'write') {
      const act = interloper
      interloper = undefined
      await act?.()
    }
    const fault = takeFault(kind)
    if (fault?.kind === 'answer') return send(response, fault.answer)
    const isSilent = fault?.kind === 'timeout' || fault?.kind === 'reset'
    if (!(isSilent && fault.when === 'before')) {
      const full: FakeRequest = { ...request, params: found?.params ?? [] }
      const fresh = options.refuse(full) ?? found?.route.answer(full) ?? options.unknown
      const answer = fault?.kind === 'stale' ? (remembered.get(identity) ?? fresh) : fresh
      if (kind === 'read') remembered.set(identity, answer)
      if (fault?.kind === 'truncated') return sendTruncated(response, answer)
      if (!isSilent) return send(response, answer)
    }
    if (fault?.kind === 'reset') response.destroy()
    else for (const limit of limits) limit.abort(new DOMException('time is up', 'TimeoutError'))
  }

  function takeFault(kind: 'read' | 'write'): Fault | undefined {
    for (const pending of faults) {
      if (pending.injection.on !== kind || pending.left === 0) continue
      if (pending.skip > 0) {
        pending.skip -= 1
        return undefined
      }
      pending.left -= 1
      return pending.injection.fault
    }
    return undefined
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async fetch(url, init) {
      const urls = Object.entries({ [options.baseUrl]: '', ...options.otherUrls })
      // The longest first: one may be the beginning of another.
      const known = urls
        .filter(([from]) => url.startsWith(from))
        .sort(([a], [b]) => b.length - a.length)[0]
      if (known === undefined) throw new Error(`a request went astray: ${url}`)
      const path = known[1] + url.slice(known[0].length)
      return await fetch(`http://127.0.0.1:${port}${path}`, init)
    },
    deadline() {
      const limit = new AbortController()
      limits.add(limit)
      limit.signal.addEventListener('abort', () => limits.delete(limit))
      return limit.signal
    },
    inject: (injection) =>
      void faults.push({ injection, left: injection.times, skip: injection.skip ?? 0 }),
    clearFaults() {
      faults = []
    },
    beforeNextWrite(act) {
      interloper = act
    },
    writes: () => counts.write,
    reads: () => counts.read,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Sends requests with these headers, which hold the credential, and with no body when it is empty. */
export function withHeaders(headers: Readonly<Record<string, string>>) {
  return ({ method, body }: { readonly method: string; readonly body: string }): RequestInit => ({
    ...{ method, headers },
    ...(body === '' ? {} : { body }),
  })
}

/** JSON, or the fields of a form. */
function parseBody(text: string): unknown {
  if (text === '') return undefined
  return /^\w+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)
}

function match(pattern: string, path: string): readonly string[] | undefined {
  const [expected, given] = [pattern.split('/'), path.split('/')]
  if (expected.length !== given.length) return undefined
  const params: string[] = []
  for (const [index, part] of expected.entries()) {
    const value = decodeURIComponent(given[index] ?? '')
    if (part.startsWith(':')) params.push(value)
    else if (part !== value) return undefined
  }
  return params
}

function render({ body }: FakeAnswer): { readonly text: string; readonly type: string } {
  return typeof body === 'string'
    ? { text: body, type: 'text/html' }
    : { text: body === undefined ? '' : JSON.stringify(body), type: 'application/json' }
}

function send(response: ServerResponse, answer: FakeAnswer): void {
  const { text, type } = render(answer)
  response.writeHead(answer.status, { 'content-type': type, ...answer.headers }).end(text)
}

function sendTruncated(response: ServerResponse, answer: FakeAnswer): void {
  const { text, type } = render(answer)
  // Some services answer a write with nothing, of which nothing can be missing.
  const status = answer.status === 204 ? 200 : answer.status
  const half = text === '' ? '{' : text.slice(0, Math.ceil(text.length / 2))
  response.writeHead(status, { 'content-type': type, ...answer.headers }).end(half)
}
