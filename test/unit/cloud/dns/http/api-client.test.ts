import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type ApiOptions, createApiClient } from '../../../../../cloud/dns/http/api-client.ts'
import { createRequestBudget } from '../../../../../cloud/dns/http/request-budget.ts'
import { ProviderError } from '../../../../../cloud/domain/dns-provider.ts'
import { createLogger } from '../../../../../shared/logger.ts'

interface Sent {
  readonly url: string
  readonly init: RequestInit
}

/** A client whose requests are answered from a list; the last answer is given again and again. */
function createBench(
  options: Partial<ApiOptions>,
  ...answers: readonly (Response | Error | (() => Response))[]
) {
  let clock = Date.parse('2026-01-31T12:00:00Z')
  const sent: Sent[] = []
  const deps = {
    now: () => new Date(clock),
    sleep: async (ms: number) => {
      clock += ms
    },
    random: () => 0.5,
    deadline: () => new AbortController().signal,
    fetch: async (url: string, init: RequestInit) => {
      const answer = answers[Math.min(sent.length, answers.length - 1)]
      sent.push({ url, init })
      if (answer instanceof Error) throw answer
      return typeof answer === 'function' ? answer() : (answer ?? Response.json({}))
    },
  }
  const api = createApiClient(
    { service: 'Test', baseUrl: 'https://api.test/v1', secrets: [], ...options },
    createRequestBudget([], deps),
    deps,
  )
  return { api, sent, waited: () => clock - Date.parse('2026-01-31T12:00:00Z') }
}

const READ = { path: '/zones', answer: v.object({}), what: 'zones' }
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('an API client', () => {
  it('puts credentials where the service wants them', async () => {
    const { api, sent } = createBench({
      headers: { authorization: 'Bearer one' },
      bodyFields: { key: 'two' },
      queryFields: { token: 'three' },
    })
    await api.write({ method: 'POST', path: '/x', body: { a: 1 }, query: { b: 2 }, what: 'x' })
    await api.read({ ...READ, method: 'POST' })
    const [write, read] = sent
    expect(write?.url).toBe('https://api.test/v1/x?b=2&token=three')
    expect(write?.init).toMatchObject({
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: 'Bearer one', 'content-type': 'application/json' },
    })
    expect(JSON.parse(String(write?.init.body))).toEqual({ key: 'two', a: 1 })
    expect(JSON.parse(String(read?.init.body))).toEqual({ key: 'two' })
  })

  it('signs the bytes that it sends, anew for every attempt', async () => {
    let count = 0
    const { api, sent } = createBench(
      {
        async sign(request, keepSecret) {
          keepSecret('fetched-token')
          const signature = `${++count}:${request.method}:${request.url}:${request.body}`
          return { ...request, headers: { ...request.headers, signature } }
        },
      },
      Response.json({ message: 'fetched-token is stale' }, { status: 500 }),
      Response.json({}),
    )
    await api.read({ ...READ, method: 'POST', body: { a: 1 } })
    expect(sent.map(({ init }) => Object(init.headers).signature)).toEqual([
      '1:POST:https://api.test/v1/zones:{"a":1}',
      '2:POST:https://api.test/v1/zones:{"a":1}',
    ])
  })

  it.each(['constructor', '__proto__', 'toString'])(
    'takes %s for no code that it knows',
    async (code) => {
      const { api } = createBench(
        { kinds: { taken: 'conflict' }, complaint: () => ({ code }) },
        Response.json({}, { status: 403 }),
      )
      expect(await caught(api.read(READ))).toMatchObject({ kind: 'forbidden' })
    },
  )

  it('hears plain text, and how long it asks to wait', async () => {
    const { api, sent } = createBench(
      {
        answers: 'text',
        complaint: (body) =>
          body === '911' ? { code: '911', kind: 'rate-limited', waitMs: 1_800_000 } : undefined,
      },
      new Response('good ::1'),
      new Response('911'),
    )
    expect(await api.write({ path: '', what: 'x' })).toBe('good ::1')
    expect(sent[0]?.init.headers).toMatchObject({ accept: 'text/plain' })
    expect(await caught(api.write({ path: '', what: 'x' }))).toMatchObject({
      kind: 'rate-limited',
      retryAfterMs: 1_800_000,
    })
  })

  it('says what failed, for which object, what the service said, and what to do', async () => {
    const complaint = (body: unknown) => ({ code: '42', message: String(Object(body).error) })
    const { api } = createBench({ complaint }, () =>
      Response.json({ error: 'no' }, { status: 403 }),
    )
    await expect(api.read(READ)).rejects.toThrow(
      'failed to read zones: Test answered 403 (code 42: "no"); give the credential the right to read and edit this zone',
    )
    await expect(api.write({ path: '/x', what: 'www.example.org AAAA' })).rejects.toThrow(
      /^could not confirm the change of www\.example\.org AAAA: Test answered 403/,
    )
  })

  it('sends a write once, whatever happens', async () => {
    for (const answer of [new TypeError('fetch failed'), Response.json({}, { status: 503 })]) {
      const { api, sent } = createBench({}, answer)
      expect(await caught(api.write({ path: '/x', what: 'x' }))).toMatchObject({
        kind: 'transient',
      })
      expect(sent).toHaveLength(1)
    }
  })

  it('waits between reads, and not for a service that wants a long pause', async () => {
    const busy = (seconds: string) => () =>
      Response.json({}, { status: 429, headers: { 'retry-after': seconds } })
    const soon = createBench({}, busy('2'), () => Response.json({}))
    await soon.api.read(READ)
    expect([soon.sent.length, soon.waited()]).toEqual([2, 2000])
    const late = createBench({}, busy('60'))
    expect(await caught(late.api.read(READ))).toMatchObject({ retryAfterMs: 60_000 })
    expect([late.sent.length, late.waited()]).toEqual([1, 0])
    // What the service has said holds for the next request too, which is not even sent.
    expect(await caught(late.api.read(READ))).toMatchObject({ kind: 'rate-limited' })
    expect(late.sent).toHaveLength(1)
  })

  it('stops before a quota is overdrawn, where the headers are told to be trusted', async () => {
    const headers = { 'ratelimit-remaining': '0', 'ratelimit-reset': '600' }
    const empty = () => Response.json({}, { headers })
    const { api, sent } = createBench({ hasQuotaHeaders: true }, empty)
    await api.read(READ)
    expect(await caught(api.read(READ))).toMatchObject({ retryAfterMs: 600_000 })
    expect(sent).toHaveLength(1)
    const careless = createBench({}, empty)
    await careless.api.read(READ)
    await careless.api.read(READ)
    expect(careless.sent).toHaveLength(2)
  })

  it('gives up on a body without end', async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1024 * 1024))
      },
    })
    const { api } = createBench({}, new Response(endless))
    expect(await caught(api.read(READ))).toMatchObject({ kind: 'protocol' })
    expect(pulled).toBeLessThan(20)
  })

  it('takes an empty answer to a write, and none to a read', async () => {
    const empty = () => new Response(null, { status: 204 })
    expect(await createBench({}, empty).api.write({ path: '/x', what: 'x' })).toBeUndefined()
    const error = await caught(createBench({}, empty).api.read(READ))
    expect(error).toMatchObject({ kind: 'protocol' })
  })

  it('shows no credential in any error, whatever the service and fetch make of it', async () => {
    // Long enough not to be a word of a stack.
    const secret = fc.stringMatching(/^[!-~]{16,40}$/)
    const echoes: readonly ((text: string) => Response | Error)[] = [
      (text) => Response.json({ error: `bad token ${text}` }, { status: 401 }),
      (text) => Response.json({ error: { code: text, deep: [text] } }, { status: 400 }),
      (text) => new Response(`<html>${text}</html>`, { status: 502 }),
      (text) => Response.json({ [text]: text }),
      (text) => new Error(`getaddrinfo https://api.test/?token=${encodeURIComponent(text)}`),
      (text) => new Error('fetch failed', { cause: new Error(`to https://${text}@api.test`) }),
    ]
    const answer = v.strictObject({ zone: v.literal('x') })
    const complaint = (body: unknown) => {
      const { error } = Object(body)
      return error === undefined
        ? undefined
        : { code: String(Object(error).code), message: JSON.stringify(error) }
    }
    await fc.assert(
      fc.asyncProperty(
        secret,
        fc.nat(echoes.length - 1),
        fc.boolean(),
        async (token, how, isRead) => {
          const echoed = () => echoes[how]?.(token) ?? new Error('none')
          const first = echoed()
          const { api } = createBench(
            {
              secrets: [token],
              complaint,
              queryFields: { token },
              headers: { authorization: token },
            },
            first instanceof Error ? first : () => echoed() as Response,
          )
          const what = `records with ${token}`
          const error = await caught(
            isRead ? api.read({ path: '/z', answer, what }) : api.write({ path: '/z', what }),
          )
          if (!(error instanceof ProviderError)) {
            expect([isRead, how]).toEqual([false, 3])
            return
          }
          const seen: string[] = []
          const destination = { write: (line: string) => void seen.push(line) }
          createLogger({ level: 'error', name: 'test', destination }).error(
            { error },
            error.message,
          )
          for (let at: unknown = error; at instanceof Error; at = at.cause) {
            seen.push(at.message, String(at.stack))
          }
          for (const text of seen) expect(text.toLowerCase()).not.toContain(token.toLowerCase())
        },
      ),
    )
  })
})
